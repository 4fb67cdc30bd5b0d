package main

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"

	"github.com/katacert/katacert/fixtures/training"
	"github.com/katacert/katacert/probes/evidence"
)

// observation turns a training's result into evidence. Losses are mean
// cross-entropies in nats, and accuracies shares, both in millionths.
func observation(j training.Job, r training.Result) evidence.Observation {
	losses := make([]string, 0, len(r.Losses))
	for epoch, loss := range r.Losses {
		// Lists are sorted as text: all epochs get the same number of digits.
		losses = append(losses, fmt.Sprintf("epoch %0*d %.4f", len(fmt.Sprint(r.Epochs)), epoch, loss))
	}
	return evidence.Observation{
		Probe:  "training",
		State:  evidence.Seen,
		Micros: r.Duration.Microseconds(),
		Values: evidence.Values{
			"framework":                 evidence.Text(framework()),
			"device":                    evidence.Text("cpu"),
			"volume":                    evidence.Text(j.Volume.Kind()),
			"dataset_sha256":            evidence.Text(r.Dataset.SHA256),
			"checkpoint_sha256":         evidence.Text(r.CheckpointSHA256),
			"weights_sha256":            evidence.Text(r.WeightsSHA256),
			"weights_again_sha256":      evidence.Text(r.AgainSHA256),
			"weights_other_seed_sha256": evidence.Text(r.OtherSeedSHA256),
			"losses":                    evidence.List(losses...),
			"loss_first_micro":          micro(r.LossFirst()),
			"loss_last_micro":           micro(r.LossLast()),
			"accuracy_first_micro":      micro(r.AccuracyFirst),
			"accuracy_last_micro":       micro(r.AccuracyLast),
			"samples":                   evidence.Number(int64(r.Dataset.Samples)),
			"epochs":                    evidence.Number(int64(r.Epochs)),
			"steps":                     evidence.Number(int64(r.Steps)),
			"resumed_epochs":            evidence.Number(int64(r.Resumed)),
			"duration_us":               evidence.Number(r.Duration.Microseconds()),
			"checkpoint_bytes":          evidence.Number(r.CheckpointBytes),
			"reloaded_ok":               truth(r.Reloaded),
			"dataset_ok":                truth(r.DatasetKept),
			"control_loss_first_micro":  micro(r.Control.LossFirst()),
			"control_loss_last_micro":   micro(r.Control.LossLast()),
			"control_corrupt_refused":   truth(r.Control.DamageRefused),
		},
	}
}

// micro gives millionths. A loss that is no number, or too large for one, has
// not fallen, and is given as the largest number.
func micro(value float64) evidence.Value {
	scaled := math.Round(value * 1e6)
	if math.IsNaN(scaled) || scaled >= math.MaxInt64 {
		return evidence.Number(math.MaxInt64)
	}
	return evidence.Number(int64(scaled))
}

func truth(b bool) evidence.Value {
	if b {
		return evidence.Number(1)
	}
	return evidence.Number(0)
}

// framework names what did the training, so that nobody takes it for PyTorch.
func framework() string {
	const library = "github.com/gomlx/gomlx"
	version := "unknown version"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == library {
				version = dependency.Version
			}
		}
	}
	return fmt.Sprintf("%s, %s %s", runtime.Version(), library, version)
}
