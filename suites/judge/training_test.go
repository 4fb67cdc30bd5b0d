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
