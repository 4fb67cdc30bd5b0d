package judge

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// releases reads what katacert saw of pods that it created and took away again.
func (c *Case) releases() (evidence.Observation, *Sight) {
	if _, done := c.gpuPods(evidence.GPUSubject); done != nil {
		return evidence.Observation{}, done
	}
	o, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, "gpu-release")
	if err != nil {
		return o, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	return o, nil
}

// fewestReleases is the least number of pods of which to speak of a loop.
const fewestReleases = 3

// WithholdsGPU detects a GPU that the next pod does not get after the one before was
// deleted or killed, or an allocation that the kubelet keeps for a pod that is gone.
func WithholdsGPU() Detection {
	return func(c *Case) Sight {
		o, done := c.releases()
		if done != nil {
			return *done
		}
		tried, ok := o.Values.List("tried")
		if !ok || len(tried) == 0 {
			return Sight{Outcome: Unknown, Reason: "gave GPUs to no pod: " + why(o)}
		}
		settled, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Settle, "gpu-allocations")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: witness " + err.Error()}
		}
		kept, ok := settled.Values.List("allocated")
		if !ok {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: the witness got no allocations of the kubelet: " + why(settled)}
		}
		var wrong []string
		ran, killed := 0, 0
		for _, line := range tried {
			fields := keyValues(line)
			if fields["died"] == "killed" {
				killed++
			}
			if fields["result"] == "running" {
				ran++
			} else {
				wrong = append(wrong, fmt.Sprintf("the %s pod did not run: %s", ordinal(fields["n"]), decoded(fields["why"])))
			}
		}
		for _, line := range kept {
			// Pods that train may still hold theirs; those that came for GPUs alone are named so.
			if fields := keyValues(line); strings.Contains(fields["pod"], "/gpu-") {
				wrong = append(wrong, fmt.Sprintf("the kubelet keeps %s for %s, which is gone", fields["id"], fields["pod"]))
			}
		}
		readings := []Reading{{Name: "pods", Truth: "all run", Seen: fmt.Sprintf("%d of %d", ran, len(tried)), Match: ran < len(tried)}}
		// The first that gets none ends the loop, so a GPU that is withheld is told
		// after fewer pods than a loop has.
		switch {
		case len(wrong) > 0:
			return Sight{Outcome: Detected, Reason: "does not give a GPU that was given back: " + strings.Join(wrong, "; "), Readings: readings}
		case len(tried) < fewestReleases:
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("gave GPUs %d times, at least %d are needed: %s", len(tried), fewestReleases, why(o))}
		case killed == 0:
			return Sight{Outcome: Unknown, Reason: "killed none of the pods that it gave GPUs to"}
		}
		return Sight{Outcome: Undetected, Readings: readings,
			Reason: fmt.Sprintf("gives the GPUs to %d pods one after the other, %d of which were killed, and the kubelet keeps nothing for those that are gone", len(tried), killed)}
	}
}

func ordinal(n string) string {
	switch n {
	case "1":
		return "1st"
	case "2":
		return "2nd"
	case "3":
		return "3rd"
	default:
		return n + "th"
	}
}

// RefusesTooMany detects that a pod which asks for one GPU more than the node has is
// not run: a pod that cannot have its GPUs looks otherwise than one that has.
func RefusesTooMany() Detection {
	return func(c *Case) Sight {
		o, done := c.releases()
		if done != nil {
			return *done
		}
		result, _ := o.Values.Text("too_many")
		says, _ := o.Values.Text("too_many_why")
		switch result {
		case "refused":
			return Sight{Outcome: Detected, Reason: "does not run a pod that asks for one GPU more than there are: " + says}
		case "running":
			return Sight{Outcome: Undetected, Reason: "runs a pod that asks for one GPU more than there are"}
		default:
			return Sight{Outcome: Unknown, Reason: "did not ask for one GPU more than there are: " + says}
		}
	}
}
