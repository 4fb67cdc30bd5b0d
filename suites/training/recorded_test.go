package training_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// recorded is what the script for PyTorch printed on a machine with an NVIDIA H200
// (driver 580.159.04, PyTorch 2.11.0, outside of any cluster) and on a processor
// alone, told as if it came from a pod of the vantage.
func recorded(t *testing.T, name string, as evidence.Vantage) evidence.Record {
	t.Helper()
	printed, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "training", "pytorch", "testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	claim := evidence.Claim{Nonce: "n1", Vantage: evidence.Trainer, Round: evidence.Look, PodUID: "uid-1", Node: "node-1"}
	observations, end, err := evidence.Decode(bytes.NewReader(printed), claim, evidence.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return evidence.Record{Vantage: as, Round: evidence.Look, Observations: observations, CPUMicros: end.CPUMicros}
}

// Both jobs' evidence goes to one judge, on whatever it was computed.
func TestRecordedTraining(t *testing.T) {
	for name, by := range map[string]string{
		"h200-once": "CUDA 13.0, cuda, NVIDIA H200, GPU-875e4dd4-97af-ee5b-51e5-78d5eea04098", "h200-block": "NVIDIA H200", "cpu": "PyTorch 2.11.0+cu130, Python 3.11.7, CUDA 13.0, cpu",
	} {
		v := judge.Training(judge.Gather([]evidence.Record{recorded(t, name, evidence.Trainer)}))
		if v.Result != judge.Pass || !v.Shown {
			t.Errorf("%s: %s (%s)", name, v.Result, v.Reason)
		}
		if last := v.Compared[len(v.Compared)-1].Subject; !strings.Contains(last, by) {
			t.Errorf("%s was computed by %q, want %q in it", name, last, by)
		}
	}
	v := judge.TrainingOnBlock(judge.Gather([]evidence.Record{recorded(t, "h200-block", evidence.TrainerBlock)}))
	if v.Result != judge.Pass {
		t.Errorf("on a block volume: %s (%s)", v.Result, v.Reason)
	}
}

// One GPU gave the same weights in two processes, and a processor gave others: only
// the one is promised.
func TestRecordedTrainingRepeats(t *testing.T) {
	for _, c := range []struct {
		onRunc, inSandbox string
		want              judge.Result
	}{{"h200-once", "h200-again", judge.Pass}, {"cpu", "h200-once", judge.NotApplicable}} {
		v := judge.TrainingRepeats(judge.Gather([]evidence.Record{
			recorded(t, c.onRunc, evidence.TrainerReference), recorded(t, c.inSandbox, evidence.Trainer)}))
		if v.Result != c.want {
			t.Errorf("%s and %s: %s (%s)", c.onRunc, c.inSandbox, v.Result, v.Reason)
		}
	}
}

// Training jobs in real sandboxes computed what the same job computed on plain runc: in
// Kata 4.1.0 (Go shim, QEMU) katacert's own trainer, on a node of Debian 12 in an emulated
// machine, and in gVisor, on the local cluster, the script for PyTorch on the CPU, by
// PyTorch 1.13 of Debian 12. None of them had a block volume.
func TestTrainingInRealSandboxes(t *testing.T) {
	for file, by := range map[string]string{"kata-4.1.0-qemu-go": "gomlx", "gvisor-pytorch-1.13-cpu": "PyTorch 1.13.0a0, Python 3.11.2, cpu"} {
		t.Run(file, func(t *testing.T) {
			c := judge.Gather(recordedRun(t, file))
			for name, test := range map[string]struct {
				verdict judge.Verdict
				want    judge.Result
			}{
				"converges":       {judge.Training(c), judge.Pass},
				"repeats":         {judge.TrainingRepeats(c), judge.Pass},
				"no block volume": {judge.TrainingOnBlock(c), judge.NotApplicable},
			} {
				if test.verdict.Result != test.want {
					t.Errorf("%s: %s (%s)", name, test.verdict.Result, test.verdict.Reason)
				}
			}
			v := judge.Training(c)
			if last := v.Compared[len(v.Compared)-1].Subject; !strings.Contains(last, by) {
				t.Errorf("it was computed by %q, want %q in it", last, by)
			}
		})
	}
}

// recordedRun are the records of the training jobs of a run.
func recordedRun(t *testing.T, name string) []evidence.Record {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var records []evidence.Record
	for line := range bytes.Lines(file) {
		var record evidence.Record
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	return records
}
