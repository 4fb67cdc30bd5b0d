package judge_test

import (
	"math"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

func TestTraining(t *testing.T) {
	n := evidence.Number
	for _, test := range []struct {
		name   string
		change values
		want   judge.Result
		says   string
	}{
		{"converges", nil, judge.Pass, "2.3000 to 0.1500 in 100 steps"},
		{"falls to exactly the share", values{"loss_last_micro": n(1_840_000)}, judge.Pass, ""},
		{"falls by too little", values{"loss_last_micro": n(1_840_001)}, judge.Fail, "does not fall"},
		{"rises", values{"loss_last_micro": n(5_000_000)}, judge.Fail, "does not fall"},
		{"runs away", values{"loss_last_micro": n(math.MaxInt64/100 + 1)}, judge.Fail, "does not fall"},
		{"runs away to the largest number", values{"loss_last_micro": n(math.MaxInt64)}, judge.Fail, "does not fall"},
		{"was no number", values{"loss_last_micro": n(math.MinInt64)}, judge.Fail, "does not fall"},
		{"began at nothing", values{"loss_first_micro": n(0), "loss_last_micro": n(0)}, judge.Fail, "does not fall"},
		{"the control falls too", values{"control_loss_last_micro": n(1)}, judge.Invalid, "learning rate 0"},
		{"a damaged checkpoint is accepted", values{"control_corrupt_refused": n(0)}, judge.Invalid, "not told apart"},
		{"an invalid control outweighs a bad dataset", values{"control_corrupt_refused": n(0), "dataset_ok": n(0)}, judge.Invalid, ""},
		{"it went on with what was there", values{"resumed_epochs": n(3)}, judge.Error, "the volume of the run was not new"},
		{"the dataset is damaged", values{"dataset_ok": n(0)}, judge.Fail, "hash of its manifest"},
		{"the checkpoint does not reload", values{"reloaded_ok": n(0)}, judge.Fail, "cannot be read back"},
		{"the checkpoint is empty", values{"checkpoint_bytes": n(0)}, judge.Fail, "cannot be read back"},
		{"the checkpoint has no hash", values{"checkpoint_sha256": evidence.Text("abc")}, judge.Fail, "cannot be read back"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.Whole(scene.ShimKata, scene.Guest())
			for reading, value := range test.change {
				s.Set(evidence.Trainer, evidence.Look, "training", reading, value)
			}
			expect(t, judge.Training(s.Evidence()), test.want, test.says)
		})
	}
}

func TestTrainingWithoutAllOfIt(t *testing.T) {
	readings := []string{"loss_first_micro", "loss_last_micro", "control_loss_first_micro", "control_loss_last_micro",
		"control_corrupt_refused", "dataset_ok", "reloaded_ok", "steps", "checkpoint_bytes"}
	for _, reading := range readings {
		s := scene.Whole(scene.ShimKata, scene.Guest()).Unset(evidence.Trainer, evidence.Look, "training", reading)
		expect(t, judge.Training(s.Evidence()), judge.Error, reading)
	}
	for name, s := range map[string]*scene.Scene{
		"no record":       scene.New(),
		"an error record": scene.Whole(scene.ShimKata, scene.Guest()).Break(evidence.Trainer, evidence.Look, "the pod was evicted"),
		"two records":     scene.Whole(scene.ShimKata, scene.Guest()).Repeat(evidence.Trainer, evidence.Look),
		"it failed":       scene.New().Got(evidence.Trainer, evidence.Look, "training", evidence.Failed, "no dataset"),
		"it was denied":   scene.New().Got(evidence.Trainer, evidence.Look, "training", evidence.Denied, "EPERM"),
	} {
		got := judge.Training(s.Evidence())
		if got.Result != judge.Error || !strings.Contains(got.Reason, "the training pod") {
			t.Errorf("%s: %s (%s), want error of the training pod", name, got.Result, got.Reason)
		}
	}
}

func TestTrainingOnBlock(t *testing.T) {
	whole := func() *scene.Scene { return scene.Whole(scene.ShimKata, scene.Guest()) }
	expect(t, judge.TrainingOnBlock(whole().Evidence()), judge.Pass, "2.3000 to 0.1500")
	s := whole().Set(evidence.TrainerBlock, evidence.Look, "training", "loss_last_micro", evidence.Number(2_300_000))
	expect(t, judge.TrainingOnBlock(s.Evidence()), judge.Fail, "does not fall")
	s = whole().Got(evidence.TrainerBlock, evidence.Look, "training", evidence.Absent, "there is no block device at /dev/x")
	expect(t, judge.TrainingOnBlock(s.Evidence()), judge.NotApplicable, "no block device at /dev/x")
	expect(t, judge.TrainingOnBlock(whole().Drop(evidence.TrainerBlock, evidence.Look).Evidence()), judge.Error, "no evidence")
}

func TestTrainingSaysOnWhatItRan(t *testing.T) {
	s := scene.Whole(scene.ShimKata, scene.Guest())
	for reading, value := range map[string]string{"device": "cuda", "gpu_name": "Some GPU", "gpu_uuid": "GPU-1"} {
		s.Set(evidence.Trainer, evidence.Look, "training", reading, evidence.Text(value))
	}
	compared := judge.Training(s.Evidence()).Compared
	if last := compared[len(compared)-1]; last.Subject != "PyTorch 2.11.0, cuda, Some GPU, GPU-1" || last.Match {
		t.Errorf("compared %+v", last)
	}
}

func TestTrainingRepeats(t *testing.T) {
	a, b, c := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)
	for name, test := range map[string]struct {
		runc, sandbox map[string]string
		want          judge.Result
		says          string
	}{
		"same":                        {nil, nil, judge.Pass, "sha256 222222222222"},
		"another result":              {nil, map[string]string{"weights_sha256": a, "weights_again_sha256": a}, judge.Fail, "other weights in the sandbox"},
		"the sandbox does not repeat": {nil, map[string]string{"weights_again_sha256": a}, judge.Fail, "in the sandbox the same seed"},
		"runc does not repeat":        {map[string]string{"weights_again_sha256": b}, nil, judge.Invalid, "on plain runc the same seed"},
		"no seed matters":             {map[string]string{"weights_other_seed_sha256": strings.Repeat("2", 64)}, nil, judge.Invalid, "another seed"},
		"other data":                  {map[string]string{"dataset_sha256": c}, nil, judge.Invalid, "different datasets"},
		"runc has no GPU":             {nil, map[string]string{"device": "cuda", "gpu_name": "Some GPU"}, judge.NotApplicable, "on cpu on runc and on Some GPU"},
		"no hash":                     {map[string]string{"weights_sha256": "2"}, nil, judge.Error, "weights_sha256"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scene.Whole(scene.ShimKata, scene.Guest())
			for v, changes := range map[evidence.Vantage]map[string]string{evidence.TrainerReference: test.runc, evidence.Trainer: test.sandbox} {
				for reading, value := range changes {
					s.Set(v, evidence.Look, "training", reading, evidence.Text(value))
				}
			}
			expect(t, judge.TrainingRepeats(s.Evidence()), test.want, test.says)
		})
	}
	whole := func() *scene.Scene { return scene.Whole(scene.ShimKata, scene.Guest()) }
	lost := func(s *scene.Scene) *scene.Scene {
		return s.Break(evidence.TrainerReference, evidence.Look, "0/1 nodes are available: Insufficient nvidia.com/gpu")
	}
	expect(t, judge.TrainingRepeats(lost(whole()).Evidence()), judge.Error, "on runc gave no trustworthy evidence")
	onGPU := lost(whole()).Set(evidence.Trainer, evidence.Look, "training", "device", evidence.Text("cuda"))
	expect(t, judge.TrainingRepeats(onGPU.Evidence()), judge.NotApplicable, "Insufficient nvidia.com/gpu")
	expect(t, judge.TrainingRepeats(whole().Drop(evidence.Trainer, evidence.Look).Evidence()), judge.Error, "the training pod")
}
