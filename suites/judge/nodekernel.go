package judge

import (
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// OnNodesKernel narrows a detection to vantages that run on the node's own
// kernel. What a vantage can open there (a kernel setting, physical memory, a
// cgroup's release_agent) is the node's on a shared kernel, and the guest's own
// on any other: opened by the guest's root, it is no way out. The kernel is told
// by its boot id, which the control vantage must share with the node.
func OnNodesKernel(detects Detection) Detection {
	sameKernel := SameText("boot-id", "boot_id")
	return func(c *Case) Sight {
		sight := detects(c)
		if sight.Outcome != Detected {
			return sight
		}
		kernel := sameKernel(c)
		sight.Readings = append(sight.Readings, kernel.Readings...)
		switch kernel.Outcome {
		case Detected:
			return sight
		case Unknown, AbsentThere, NoTruth:
			return Sight{Outcome: Unknown, Reason: "cannot be told whose kernel it is: it " + kernel.Reason, Readings: sight.Readings}
		default:
			for i := range sight.Readings {
				sight.Readings[i].Match = false
			}
			return Sight{Outcome: Undetected, Reason: sight.Reason + ", of a kernel of its own", Readings: sight.Readings}
		}
	}
}

// Logged detects a vantage by the node's own record: something that the witness
// planted was touched in the second look by somebody who signed with the nonce
// of that vantage. The witness lists what was touched in its settle round, in
// reading "touched" of probe plants, as "<plant> <nonce>". What the vantage
// itself says does not count.
func Logged(plant string) Detection {
	return func(c *Case) Sight {
		if done := c.unplanted(plant); done != nil {
			return *done
		}
		settled, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Settle, "plants")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be found in the node's record: witness " + err.Error()}
		}
		touched, ok := settled.Values.List("touched")
		if !ok {
			return Sight{Outcome: Unknown, Reason: "cannot be found in the node's record: the witness kept none"}
		}
		untold, _ := settled.Values.List("untold")
		for _, line := range untold {
			if strings.HasPrefix(line, plant+":") {
				return Sight{Outcome: Unknown, Reason: "cannot be found in the node's record, which is lost: " + line}
			}
		}
		return c.signed(plant, touched)
	}
}

// signed looks for the seen vantage's nonce of the second look in a record of
// lines "<what> <nonce>".
func (c *Case) signed(what string, record []string) Sight {
	looked, ok := c.Seen.rounds[evidence.LookAgain]
	if !ok || looked.Error != "" {
		return Sight{Outcome: Unknown, Reason: "gave no trustworthy evidence in round " + string(evidence.LookAgain)}
	}
	match := contains(record, what+" "+looked.Nonce)
	sight := Sight{Outcome: Undetected, Reason: "left no trace in the record of the planted " + what,
		Readings: []Reading{{Name: what, Truth: "no sign of this pod", Seen: "no sign", Match: match}}}
	if match {
		sight.Outcome, sight.Reason = Detected, "left its sign on the planted "+what
		sight.Readings[0].Seen = "signed with nonce " + looked.Nonce
	}
	return sight
}
