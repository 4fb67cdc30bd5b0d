package gputest

import (
	"fmt"
	"slices"
	"strings"
)

// Figure is something measured at every place; a figure is never a verdict.
type Figure struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	// Samples are all measurements at each place, in the order of the rounds.
	Samples map[Place][]float64 `json:"samples"`
	// Peak is what the card's data say it could reach; 0 where nothing is known.
	Peak float64 `json:"peak,omitempty"`
	// LessIsBetter marks times.
	LessIsBetter bool `json:"less_is_better,omitempty"`
}

// Median is the median of a place's samples, and whether there are any.
func (f Figure) Median(p Place) (float64, bool) {
	samples := slices.Clone(f.Samples[p])
	if len(samples) == 0 {
		return 0, false
	}
	slices.Sort(samples)
	return samples[len(samples)/2], true
}

// Ratio is a place's median in parts of the native one.
func (f Figure) Ratio(p Place) (float64, bool) {
	here, ok1 := f.Median(p)
	native, ok2 := f.Median(Native)
	return here / native, ok1 && ok2 && native > 0
}

// Figures collects what was measured on the GPU of this UUID.
func Figures(r Recorded, uuid string) []Figure {
	speed := func(name, unit, reading, peak string, scale float64) Figure {
		f := Figure{Name: name, Unit: unit, Samples: map[Place][]float64{}}
		r.eachRound(func(p Place, target string) {
			if l, ok := r.gpu(target, "gpu-throughput", uuid); ok {
				if value, err := l.number(reading); err == nil && value > 0 {
					f.Samples[p] = append(f.Samples[p], value/scale)
				}
				if value, err := l.number(peak); err == nil {
					f.Peak = value / scale
				}
			}
		})
		return f
	}
	scan := Figure{Name: "residue scan", Unit: "GB/s", Samples: map[Place][]float64{}}
	r.eachRound(func(p Place, target string) {
		if l, ok := r.gpu(target, "gpu-residue", uuid); ok {
			if n, err := l.numbers("scanned", "scan_us"); err == nil && n[1] > 0 {
				scan.Samples[p] = append(scan.Samples[p], n[0]/1e3/n[1])
			}
		}
	})
	short := Figure{Name: "short round, start to end", Unit: "s", Samples: map[Place][]float64{}, LessIsBetter: true}
	r.eachRound(func(p Place, target string) {
		record := r[target]
		if strings.HasPrefix(target, string(p)+"/"+stageAgain) && record.Error == "" {
			short.Samples[p] = append(short.Samples[p], record.Finished.Sub(record.Started).Seconds())
		}
	})
	return []Figure{
		speed("fp32", "TFLOP/s", "fp32_gflops", "fp32_peak_gflops", 1e3),
		speed("bf16 tensor cores", "TFLOP/s", "bf16_gflops", "bf16_peak_gflops", 1e3),
		speed("machine to GPU", "GB/s", "to_gpu_mbps", "", 1e3),
		speed("GPU to machine", "GB/s", "from_gpu_mbps", "", 1e3),
		speed("within the GPU", "GB/s", "within_mbps", "", 1e3),
		scan,
		short,
	}
}

// eachRound visits the stages that measure, place by place.
func (r Recorded) eachRound(visit func(Place, string)) {
	for _, p := range Places() {
		for _, stage := range []string{stageLook, stageReleased, stageKilled} {
			visit(p, target(p, stage))
		}
		for n := 1; ; n++ {
			name := target(p, again(n))
			if _, ok := r[name]; !ok {
				break
			}
			visit(p, name)
		}
	}
}

// gpu is what a probe said of one GPU.
func (r Recorded) gpu(target, probe, uuid string) (line, bool) {
	lines, err := r.gpus(target, probe)
	if err != nil {
		return nil, false
	}
	for _, l := range lines {
		if l["uuid"] == uuid {
			return l, true
		}
	}
	return nil, false
}

// Card says which GPU was tried: the one that containers were given, or the
// machine's first.
func (r Recorded) Card() (uuid, description string) {
	given, err := r.list(machineTarget, probeMachine, "given")
	if err != nil || len(given) == 0 {
		given, err = r.list(machineTarget, probeMachine, "uuids")
	}
	if err != nil || len(given) == 0 {
		return "", "no GPU was found"
	}
	uuid = given[0]
	name := "a GPU that CUDA does not list"
	if l, ok := r.gpu(target(Native, stageLook), "gpu-cuda-devices", uuid); ok {
		name = strings.ReplaceAll(l["name"], "_", " ")
	}
	description = fmt.Sprintf("%s (%s)", name, uuid)
	for _, part := range []struct{ name, target, probe, reading string }{
		{"driver", machineTarget, probeMachine, "driver"},
		{"CUDA", target(Native, stageLook), "gpu-cuda-devices", "cuda_version"},
		{"kernel", target(Native, stageLook), "uname", "release"},
	} {
		if text, err := r.text(part.target, part.probe, part.reading); err == nil {
			description += fmt.Sprintf(", %s %s", part.name, text)
		}
	}
	return uuid, description
}
