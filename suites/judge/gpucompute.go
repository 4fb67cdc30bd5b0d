package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// eachGPU is a detection that holds each GPU of the tenants' pods, as one probe reports
// it, to the same demand: wrong says what is wrong with one.
func eachGPU(probe, sound string, wrong func(fields map[string]string) (reading Reading, says string, err error)) Detection {
	return func(c *Case) Sight {
		n, done := c.realGPUs(evidence.GPUSubject)
		if done != nil {
			return *done
		}
		sight := Sight{Outcome: Undetected}
		var faults, looked []string
		for _, v := range []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour} {
			if !slices.Contains(n.given, string(v)) {
				continue
			}
			gpus, err := c.gpuLines(v, evidence.Look, probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: "cannot be judged: " + err.Error()}
			}
			for _, uuid := range slices.Sorted(maps.Keys(gpus)) {
				reading, says, err := wrong(gpus[uuid])
				if err != nil {
					return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be judged: %s %v", v, err)}
				}
				reading.Name, reading.Match = fmt.Sprintf("%s %s", v, uuid), says != ""
				sight.Readings = append(sight.Readings, reading)
				looked = append(looked, uuid)
				if says != "" {
					faults = append(faults, fmt.Sprintf("%s %s", uuid, says))
				}
			}
		}
		if len(faults) > 0 {
			sight.Outcome, sight.Reason = Detected, "has a GPU that does not do what it must: "+strings.Join(faults, "; ")
			return sight
		}
		sight.Reason = fmt.Sprintf("%s (%s)", sound, shorten(looked))
		return sight
	}
}

// ComputesWrong detects a GPU whose results differ from those that the processor
// computes of the same numbers.
func ComputesWrong() Detection {
	return eachGPU("gpu-compute", "computes to the bit what the processor does", func(fields map[string]string) (Reading, string, error) {
		elements, wrong := int64(0), int64(0)
		for _, name := range []string{"vector", "matrix"} {
			n, err := count(fields, name+"_elements")
			if err != nil {
				return Reading{}, "", err
			}
			if n == 0 {
				return Reading{}, "", fmt.Errorf("computed no %s", name)
			}
			w, err := count(fields, name+"_wrong")
			if err != nil {
				return Reading{}, "", err
			}
			elements, wrong = elements+n, wrong+w
		}
		return Reading{Truth: "0 wrong", Seen: fmt.Sprintf("%d of %d wrong", wrong, elements)},
			unless(wrong == 0, fmt.Sprintf("computes %d of %d elements wrong", wrong, elements)), nil
	})
}

// ForgetsPattern detects a GPU whose memory does not hold what was written to it.
func ForgetsPattern() Detection {
	return eachGPU("gpu-memory-pattern", "keeps what is written to its memory", func(fields map[string]string) (Reading, string, error) {
		tested, err := count(fields, "tested")
		if err != nil {
			return Reading{}, "", err
		}
		memory, err := count(fields, "memory")
		if err != nil {
			return Reading{}, "", err
		}
		wrong, err := count(fields, "wrong")
		if err != nil {
			return Reading{}, "", err
		}
		if tested == 0 || memory == 0 || tested < memory/2 {
			return Reading{}, "", fmt.Errorf("tested %d of the %d bytes of a GPU's memory, which is too little", tested, memory)
		}
		return Reading{Truth: "0 wrong", Seen: fmt.Sprintf("%d words wrong in %d MiB", wrong, tested>>20)},
			unless(wrong == 0, fmt.Sprintf("loses %d words in %d MiB (first at %s)", wrong, tested>>20, fields["first_wrong"])), nil
	})
}

// FindsFlippedBit detects that the same test found a bit that was flipped on purpose.
func FindsFlippedBit() Detection {
	return func(c *Case) Sight {
		if _, done := c.realGPUs(evidence.GPUSubject); done != nil {
			return *done
		}
		gpus, err := c.gpuLines(evidence.GPUSubject, evidence.Look, "gpu-memory-pattern")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: " + err.Error()}
		}
		for uuid, fields := range gpus {
			if fields["flipped_bit_found"] != "true" {
				return Sight{Outcome: Undetected, Reason: "did not find the bit that was flipped on purpose in " + uuid}
			}
		}
		return Sight{Outcome: Detected, Reason: fmt.Sprintf("found the bit that was flipped on purpose in each of %d GPUs", len(gpus))}
	}
}
