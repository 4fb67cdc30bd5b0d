package judge

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// LossMustFallTo is the share of its first value to which the training loss
// must fall, in percent.
const LossMustFallTo = 80

// Training judges a training job's own evidence. Its control is a second run in
// the same process with learning rate zero, whose loss must be judged as not
// falling, and a damaged checkpoint, which must be refused.
func Training(from Evidence) Verdict { return training(from, evidence.Trainer) }

// TrainingOnBlock is Training on a volume without a file system.
func TrainingOnBlock(from Evidence) Verdict { return training(from, evidence.TrainerBlock) }

func training(from Evidence, of evidence.Vantage) Verdict {
	c := &Case{Evidence: from, Seen: from.View(of)}
	o, err := c.observe(c.Seen, evidence.Look, "training")
	if err != nil {
		return Verdict{Result: Error, Reason: "the training pod " + err.Error(), Rests: c.rests}
	}
	if o.State == evidence.Absent {
		return Verdict{Result: NotApplicable, Reason: fmt.Sprintf("%s did not train: %s", of, why(o)), Rests: c.rests}
	}
	verdict := Verdict{Rests: c.rests}
	numbers := map[string]int64{}
	for _, name := range []string{"loss_first_micro", "loss_last_micro", "control_loss_first_micro", "control_loss_last_micro",
		"control_corrupt_refused", "dataset_ok", "reloaded_ok", "steps", "checkpoint_bytes"} {
		n, ok := o.Values.Number(name)
		if !ok {
			verdict.Result, verdict.Reason = Error, "the training pod gave no reading "+name
			return verdict
		}
		numbers[name] = n
	}
	resumed, _ := o.Values.Number("resumed_epochs")
	digest, _ := o.Values.Text("checkpoint_sha256")
	fell := falls(numbers["loss_first_micro"], numbers["loss_last_micro"])
	controlFell := falls(numbers["control_loss_first_micro"], numbers["control_loss_last_micro"])
	verdict.Compared = []Comparison{
		{Reading: "loss", Truth: fmt.Sprintf("falls to %d %% or less", LossMustFallTo),
			Control: course(numbers["control_loss_first_micro"], numbers["control_loss_last_micro"]),
			Subject: course(numbers["loss_first_micro"], numbers["loss_last_micro"]), Match: !fell},
		{Reading: "checkpoint", Truth: "written, reloads", Control: refusal(numbers["control_corrupt_refused"]),
			Subject: strconv.FormatInt(numbers["checkpoint_bytes"], 10) + " bytes, sha256 " + digest, Match: numbers["reloaded_ok"] != 1},
	}
	if by := computedBy(o); by != "" {
		verdict.Compared = append(verdict.Compared, Comparison{Reading: "computed by", Truth: "(any)", Subject: by})
	}
	verdict.Shown = !controlFell && numbers["control_corrupt_refused"] == 1
	switch {
	case controlFell || numbers["control_corrupt_refused"] != 1:
		verdict.Result, verdict.Reason = Invalid, "the control run (learning rate 0, damaged checkpoint) was not told apart from a good one"
	case resumed != 0:
		verdict.Result, verdict.Reason = Error, fmt.Sprintf("%d epochs were trained by another pod before: the volume of the run was not new", resumed)
	case numbers["dataset_ok"] != 1:
		verdict.Result, verdict.Reason = Fail, "the dataset on the volume does not have the hash of its manifest"
	case !fell:
		verdict.Result, verdict.Reason = Fail, "the loss does not fall: "+course(numbers["loss_first_micro"], numbers["loss_last_micro"])
	case numbers["reloaded_ok"] != 1 || numbers["checkpoint_bytes"] <= 0 || len(digest) != 64:
		verdict.Result, verdict.Reason = Fail, "the checkpoint cannot be read back"
	default:
		verdict.Result = Pass
		verdict.Reason = fmt.Sprintf("the loss falls (%s in %d steps) and the checkpoint reloads; with learning rate 0 it stays",
			course(numbers["loss_first_micro"], numbers["loss_last_micro"]), numbers["steps"])
	}
	return verdict
}

// computedBy says in one line on what a job says that it ran.
func computedBy(o evidence.Observation) string {
	framework, _ := o.Values.Text("framework")
	device, _ := o.Values.Text("device")
	name, _ := o.Values.Text("gpu_name")
	uuid, _ := o.Values.Text("gpu_uuid")
	parts := []string{}
	for _, part := range []string{framework, device, name, uuid} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// falls compares in floating point: a loss that ran away is near the largest
// number.
func falls(first, last int64) bool {
	return first > 0 && last >= 0 && float64(last)*100 <= float64(first)*LossMustFallTo
}

func course(first, last int64) string {
	return fmt.Sprintf("%.4f to %.4f", float64(first)/1e6, float64(last)/1e6)
}

func refusal(refused int64) string {
	if refused == 1 {
		return "damaged copy refused"
	}
	return "damaged copy accepted"
}
