package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// Tenants that were given the GPUs of a dead tenant's, and how that one died.
var successors = []struct {
	vantage evidence.Vantage
	died    string
}{
	{evidence.GPUSuccessor, "deleted"},
	{evidence.GPUSurvivor, "killed"},
}

// planted are the GPUs, by UUID, in which a tenant that died in that way had left its
// token and found it there again, and in how many places.
func (c *Case) planted(died string) (map[string]int64, error) {
	o, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, "gpu-holders")
	if err != nil {
		return nil, fmt.Errorf("api %w", err)
	}
	lines, ok := o.Values.List("planted")
	if !ok {
		return nil, fmt.Errorf("api did not tell what was planted: %s", why(o))
	}
	found := map[string]int64{}
	for _, line := range lines {
		fields := keyValues(line)
		if fields["died"] != died {
			continue
		}
		n, err := count(fields, "canaries")
		if err != nil || n == 0 || fields["uuid"] == "" {
			return nil, fmt.Errorf("the tenant that was %s planted nothing: %.80q", died, line)
		}
		found[bareUUID(fields["uuid"])] = n
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no tenant that was %s planted anything: %s", died, why(o))
	}
	return found, nil
}

// RecoversResidue detects a tenant that finds in a GPU, by one probe, the token that
// another left in it, or any token that is not its own.
func RecoversResidue(probe, bytesName, where string) Detection {
	return func(c *Case) Sight {
		if _, done := c.realGPUs(evidence.GPUSuccessor, evidence.GPUSurvivor); done != nil {
			return *done
		}
		sight := Sight{Outcome: Undetected}
		var found, looked []string
		for _, s := range successors {
			planted, err := c.planted(s.died)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: "cannot be judged: " + err.Error()}
			}
			gpus, err := c.gpuLines(s.vantage, evidence.Aftermath, probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: "cannot be judged: " + err.Error()}
			}
			for _, uuid := range slices.Sorted(maps.Keys(gpus)) {
				fields := gpus[uuid]
				bytes, err1 := count(fields, bytesName)
				unknown, err2 := count(fields, "unknown_tokens")
				if err1 != nil || err2 != nil || bytes == 0 || fields["tokens"] == "" {
					return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be judged: %s did not look through %s", s.vantage, where)}
				}
				if memory, told := fields["memory"]; told || bytesName == "scanned" {
					if whole, err := count(fields, "memory"); err != nil || whole == 0 || bytes < whole/2 {
						return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be judged: %s looked through %d of the %.40q bytes of a GPU's memory, which is too little", s.vantage, bytes, memory)}
					}
				}
				delete(planted, bareUUID(uuid))
				recovered := fields["tokens"] != "none" || unknown > 0
				sight.Readings = append(sight.Readings, Reading{Name: fmt.Sprintf("%s %s", s.vantage, uuid), Truth: "no token of another",
					Seen: fmt.Sprintf("%s and %d unknown in %d KiB", fields["tokens"], unknown, bytes>>10), Match: recovered})
				text := fmt.Sprintf("%s after the tenant before was %s", uuid, s.died)
				looked = append(looked, text)
				if recovered {
					found = append(found, text)
				}
			}
			if len(planted) > 0 {
				missed := slices.Sorted(maps.Keys(planted))
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be judged: %s was not given %s, in which the tenant before it had planted", s.vantage, shorten(missed))}
			}
		}
		if len(found) > 0 {
			sight.Outcome, sight.Reason = Detected, fmt.Sprintf("recovers what another tenant left in %s: %s", where, strings.Join(found, "; "))
			return sight
		}
		sight.Reason = fmt.Sprintf("did not recover the tokens that were left in %s: %s", where, strings.Join(looked, "; "))
		return sight
	}
}

// FindsOwnResidue detects that the same search finds the searcher's own token, once it
// has left one.
func FindsOwnResidue(probe string) Detection {
	return func(c *Case) Sight {
		if _, done := c.realGPUs(evidence.GPUSuccessor, evidence.GPUSurvivor); done != nil {
			return *done
		}
		n := 0
		for _, s := range successors {
			gpus, err := c.gpuLines(s.vantage, evidence.Aftermath, probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: "cannot be judged: " + err.Error()}
			}
			for uuid, fields := range gpus {
				if fields["own_found"] != "true" {
					return Sight{Outcome: Undetected, Reason: fmt.Sprintf("does not find in %s what it left there itself", uuid)}
				}
				n++
			}
		}
		return Sight{Outcome: Detected, Reason: fmt.Sprintf("finds what it left itself in each of %d GPUs", n)}
	}
}

// settings of a GPU that outlive whoever made them.
var gpuSettings = []string{"mig", "ecc", "power_limit_mw", "compute_mode"}

// HandsDownState detects a GPU that the next tenant finds set otherwise than the first
// one did.
func HandsDownState() Detection {
	return func(c *Case) Sight {
		if _, done := c.realGPUs(evidence.GPUSubject, evidence.GPUSuccessor, evidence.GPUSurvivor); done != nil {
			return *done
		}
		before, err := c.gpuLines(evidence.GPUSubject, evidence.Look, "gpu-nvml")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: " + err.Error()}
		}
		sight := Sight{Outcome: Undetected}
		var changed []string
		compared := 0
		for _, s := range successors {
			after, err := c.gpuLines(s.vantage, evidence.Aftermath, "gpu-nvml")
			if err != nil {
				return Sight{Outcome: Unknown, Reason: "cannot be judged: " + err.Error()}
			}
			for _, uuid := range slices.Sorted(maps.Keys(before)) {
				if after[uuid] == nil {
					return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be judged: %s was not given %s", s.vantage, uuid)}
				}
				for _, name := range gpuSettings {
					was, is := before[uuid][name], after[uuid][name]
					if was == "" && is == "" {
						continue // the GPU has no such setting
					}
					compared++
					sight.Readings = append(sight.Readings, Reading{Name: fmt.Sprintf("%s %s %s", s.vantage, uuid, name), Truth: was, Seen: is, Match: was != is})
					if was != is {
						changed = append(changed, fmt.Sprintf("%s of %s was %s and is %s", name, uuid, was, is))
					}
				}
			}
		}
		switch {
		case compared == 0:
			return Sight{Outcome: Unknown, Reason: "cannot be judged: no GPU tells how it is set"}
		case len(changed) > 0:
			sight.Outcome, sight.Reason = Detected, "hands its GPU on as it left it: "+strings.Join(changed, "; ")
		default:
			sight.Reason = fmt.Sprintf("hands its GPU on as it was: %d settings are the same after two other tenants", compared)
		}
		return sight
	}
}
