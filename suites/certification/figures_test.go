package certification

import (
	"fmt"
	"slices"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

func TestFiguresOfATarget(t *testing.T) {
	training := func(vantage evidence.Vantage, values evidence.Values) evidence.Record {
		return evidence.Record{Vantage: vantage, Observations: []evidence.Observation{{Probe: "training", State: evidence.Seen, Values: values}}}
	}
	gpu := func(lines ...string) evidence.Record {
		return evidence.Record{Vantage: evidence.Subject, Observations: []evidence.Observation{
			{Probe: "gpu-throughput", State: evidence.Seen, Values: evidence.Values{"gpus": evidence.List(lines...)}}}}
	}
	for name, test := range map[string]struct {
		records []evidence.Record
		want    []string
	}{
		"a training": {[]evidence.Record{training(evidence.Trainer, evidence.Values{"duration_us": evidence.Number(1500000), "losses": evidence.List("epoch 00 1.5", "epoch 01 0.25")})},
			[]string{"time of the training job trainer [1.5] s", "training loss trainer [1.5 0.25] nats"}},
		"two rounds of a GPU": {[]evidence.Record{gpu("uuid=a fp32_gflops=50000 to_gpu_mbps=25000"), gpu("uuid=a fp32_gflops=51000 to_gpu_mbps=0")},
			[]string{"GPU, fp32 subject [50 51] TFLOP/s", "copies to the GPU subject [25] GB/s"}},
		"no number":          {[]evidence.Record{training(evidence.Trainer, evidence.Values{"losses": evidence.List("epoch 00 NaN", "epoch 01 1")})}, nil},
		"an endless number":  {[]evidence.Record{training(evidence.Trainer, evidence.Values{"losses": evidence.List("epoch 00 1e999")})}, nil},
		"a number below 0":   {[]evidence.Record{gpu("fp32_gflops=-1 bf16_gflops=+Inf")}, nil},
		"another list":       {[]evidence.Record{training(evidence.Trainer, evidence.Values{"losses": evidence.List("<svg>")})}, nil},
		"nothing to measure": {[]evidence.Record{{Vantage: evidence.Subject}}, nil},
	} {
		var got []string
		for _, f := range figures("node/kata", test.records) {
			if f.Target != "node/kata" {
				t.Errorf("%s: the target is %q", name, f.Target)
			}
			got = append(got, fmt.Sprintf("%s %s %v %s", f.Name, f.Vantage, f.Samples, f.Unit))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	many := make([]string, 2*mostSamples)
	for i := range many {
		many[i] = fmt.Sprintf("epoch %04d 1", i)
	}
	if got := figures("t", []evidence.Record{training(evidence.Trainer, evidence.Values{"losses": evidence.List(many...)})}); len(got) != 1 || len(got[0].Samples) != mostSamples {
		t.Errorf("a pod can put %d samples into a report", len(got[0].Samples))
	}
}
