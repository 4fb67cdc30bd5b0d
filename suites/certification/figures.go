package certification

import (
	"math"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
)

// mostSamples bounds what a pod can put into a report; a training has some dozens of
// epochs.
const mostSamples = 512

// figures gathers what was measured on a target and is not judged. What a pod sent is
// hostile: a reading that is no number in range is no figure.
func figures(target string, records []evidence.Record) (all []reports.Figure) {
	index := map[string]int{}
	add := func(f reports.Figure) {
		if len(f.Samples) == 0 {
			return
		}
		f.Target = target
		key := f.Name + "\x00" + string(f.Vantage)
		i, ok := index[key]
		switch {
		case !ok:
			index[key] = len(all)
			all = append(all, f)
		case f.Over == "" && len(all[i].Samples) < mostSamples:
			all[i].Samples = append(all[i].Samples, f.Samples...)
		}
	}
	for _, record := range records {
		if o, ok := record.Observation("training"); ok && o.State == evidence.Seen {
			add(reports.Figure{Name: "time of the training job", Vantage: record.Vantage, Unit: "s", LessIsBetter: true, Samples: positive(o.Values, "duration_us", 1e-6)})
			losses, _ := o.Values.List("losses")
			add(reports.Figure{Name: "training loss", Vantage: record.Vantage, Unit: "nats", Over: "epoch", LessIsBetter: true, Samples: course(losses)})
		}
		if o, ok := record.Observation("gpu-throughput"); ok && o.State == evidence.Seen {
			gpus, _ := o.Values.List("gpus")
			for _, f := range gpuFigures(gpus) {
				f.Vantage = record.Vantage
				add(f)
			}
		}
	}
	return all
}

func positive(values evidence.Values, name string, scale float64) []float64 {
	if n, ok := values.Number(name); ok && n > 0 {
		return []float64{float64(n) * scale}
	}
	return nil
}

// course reads "epoch 07 0.0341", the losses in their order.
func course(losses []string) (samples []float64) {
	for _, text := range losses[:min(len(losses), mostSamples)] {
		fields := strings.Fields(text)
		if len(fields) != 3 {
			return nil
		}
		loss, ok := figure(fields[2], 1)
		if !ok {
			return nil
		}
		samples = append(samples, loss)
	}
	return samples
}

// gpuReadings are the speeds that the GPU probe gives of each GPU, in its units.
var gpuReadings = []struct {
	reading, name, unit string
}{
	{"fp32_gflops", "GPU, fp32", "TFLOP/s"}, {"bf16_gflops", "GPU, bf16 on tensor cores", "TFLOP/s"},
	{"to_gpu_mbps", "copies to the GPU", "GB/s"}, {"from_gpu_mbps", "copies from the GPU", "GB/s"}, {"within_mbps", "copies within the GPU", "GB/s"},
}

// gpuFigures reads lines of name=value, one for each GPU.
func gpuFigures(gpus []string) (all []reports.Figure) {
	for _, r := range gpuReadings {
		f := reports.Figure{Name: r.name, Unit: r.unit}
		for _, gpu := range gpus[:min(len(gpus), mostSamples)] {
			for _, field := range strings.Fields(gpu) {
				if name, value, _ := strings.Cut(field, "="); name == r.reading {
					if speed, ok := figure(value, 1e-3); ok && speed > 0 {
						f.Samples = append(f.Samples, speed)
					}
				}
			}
		}
		all = append(all, f)
	}
	return all
}

// figure is a number that JSON and a plot can hold.
func figure(text string, scale float64) (float64, bool) {
	n, err := strconv.ParseFloat(text, 64)
	return n * scale, err == nil && n >= 0 && !math.IsInf(n*scale, 0) && n < 1e15
}
