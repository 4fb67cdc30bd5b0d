package judge

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
)

// The hashes of the weights that a training job gives: after its training, after the
// very same training once more, and after one with another seed.
const (
	weightsOnce      = "weights_sha256"
	weightsAgain     = "weights_again_sha256"
	weightsOtherSeed = "weights_other_seed_sha256"
)

// TrainingRepeats judges whether a training job with one seed computes the same in
// the sandbox as on plain runc. The job on runc shows that the hash can differ and
// need not: it repeats itself with the same seed, and does not with another.
func TrainingRepeats(from Evidence) Verdict {
	c := &Case{Evidence: from, Truth: from.View(evidence.TrainerReference), Seen: from.View(evidence.Trainer)}
	seen, err := c.observe(c.Seen, evidence.Look, "training")
	if err != nil {
		return Verdict{Result: Error, Reason: "the training pod " + err.Error(), Rests: c.rests}
	}
	truth, err := c.observe(c.Truth, evidence.Look, "training")
	verdict := Verdict{Rests: c.rests}
	device, _ := seen.Values.Text("device")
	if err != nil {
		verdict.Result, verdict.Reason = Error, "the training pod on runc "+err.Error()
		if device == "cuda" {
			// Where GPUs are for virtual machines, no plain container can have one.
			verdict.Result, verdict.Reason = NotApplicable, "the job could not have a GPU on plain runc to compare with: it "+err.Error()
		}
		return verdict
	}
	sums := map[string][2]string{}
	for _, name := range []string{weightsOnce, weightsAgain, weightsOtherSeed, "dataset_sha256"} {
		onRunc, ok1 := truth.Values.Text(name)
		inSandbox, ok2 := seen.Values.Text(name)
		if !ok1 || !ok2 || len(onRunc) != 64 || len(inSandbox) != 64 {
			verdict.Result, verdict.Reason = Error, "a training pod gave no reading "+name
			return verdict
		}
		sums[name] = [2]string{onRunc, inSandbox}
	}
	once, again, other := sums[weightsOnce], sums[weightsAgain], sums[weightsOtherSeed]
	verdict.Compared = []Comparison{
		{Reading: "weights", Truth: once[0], Control: other[0], Subject: once[1], Match: once[0] != once[1]},
		{Reading: "weights, repeated", Truth: again[0], Subject: again[1], Match: again[1] != once[1]},
		{Reading: "computed by", Truth: computedBy(truth), Subject: computedBy(seen)},
	}
	verdict.Shown = once[0] == again[0] && once[0] != other[0]
	switch onRunc := computedBy(truth); {
	case sums["dataset_sha256"][0] != sums["dataset_sha256"][1]:
		verdict.Result, verdict.Reason, verdict.Shown = Invalid, "the two jobs had different datasets", false
	case kindOfDevice(truth) != kindOfDevice(seen):
		verdict.Result, verdict.Shown = NotApplicable, false
		verdict.Reason = fmt.Sprintf("the job ran on %s on runc and on %s in the sandbox, which promise nothing to each other", kindOfDevice(truth), kindOfDevice(seen))
	case once[0] != again[0]:
		verdict.Result, verdict.Reason = Invalid, "on plain runc the same seed does not give the same weights twice: "+onRunc
	case once[0] == other[0]:
		verdict.Result, verdict.Reason = Invalid, "on plain runc another seed gives the same weights: their hash says nothing"
	case once[1] != again[1]:
		verdict.Result, verdict.Reason = Fail, "in the sandbox the same seed does not give the same weights twice, as it does on plain runc"
	case once[0] != once[1]:
		verdict.Result, verdict.Reason = Fail, "the same seed gives other weights in the sandbox than on plain runc"
	default:
		verdict.Result = Pass
		verdict.Reason = fmt.Sprintf("the same seed gives the same weights (sha256 %.12s) in the sandbox and on plain runc, twice each; another seed gives others", once[1])
	}
	return verdict
}

// kindOfDevice is what equal results are promised for: processors alike, or one
// model of a GPU.
func kindOfDevice(o evidence.Observation) string {
	if name, ok := o.Values.Text("gpu_name"); ok {
		return name
	}
	device, _ := o.Values.Text("device")
	if device == "" {
		return "an unnamed device"
	}
	return device
}
