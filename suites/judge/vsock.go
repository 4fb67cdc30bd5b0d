package judge

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// plantedVsock is the name of the witness's listener on the node's vsock.
const plantedVsock = "vsock"

// guest finds the seen vantage's sandbox, or the sight that ends the detection because
// it is no virtual machine.
func (c *Case) guest() *Sight {
	sandbox, err := c.sandbox(c.Seen.Vantage)
	if err != nil {
		return &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	if reason := noMachine(sandbox); reason != "" {
		return &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s %s", c.Seen.Vantage, reason)}
	}
	return nil
}

// CallsPlantedVsock detects a guest that called the witness's listener on the node's
// vsock, by the node's own record: its other calls would have been heard too.
func CallsPlantedVsock() Detection {
	logged := Logged(plantedVsock)
	return func(c *Case) Sight {
		if done := c.guest(); done != nil {
			return *done
		}
		return logged(c)
	}
}

// ReachesVsock detects a guest that is connected to a process of the node by vsock.
// QEMU's guests reach every listener there by design: what counts is who listens.
func ReachesVsock() Detection {
	const probe = "vsock-ports"
	return func(c *Case) Sight {
		if done := c.guest(); done != nil {
			return *done
		}
		if done := c.unplanted(plantedVsock); done != nil {
			return *done
		}
		node, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Act, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: witness " + err.Error()}
		}
		seen, err := c.observe(c.Seen, evidence.LookAgain, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if seen.State != evidence.Seen {
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s has no way to the node by vsock: %s", c.Seen.Vantage, why(seen))}
		}
		known, ok1 := node.Values.List("ports")
		inventory, ok2 := node.Values.Text("inventory")
		reached, ok3 := seen.Values.List("reached")
		tried, ok4 := seen.Values.Number("tried")
		if !ok1 || !ok2 || !ok3 || !ok4 {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: readings of vsock ports are missing"}
		}
		sight := Sight{Outcome: Undetected, Readings: []Reading{listReading("vsock ports", known, reached, len(reached) > 0), {Name: "inventory", Truth: inventory}}}
		_, cut := seen.Values.Number("truncated")
		switch {
		case len(reached) > 0:
			sight.Outcome = Detected
			sight.Reason = fmt.Sprintf("is connected to processes of the node by vsock, at ports %s", shorten(reached))
		case cut || tried == 0:
			return Sight{Outcome: Unknown, Readings: sight.Readings, Reason: fmt.Sprintf("called %d ports of the node by vsock before its time was over, or was not answered at all of them", tried)}
		default:
			sight.Reason = fmt.Sprintf("is connected to nobody at %d ports of the node by vsock, besides the planted one (inventory of the node's listeners: %s)", tried, inventory)
		}
		return sight
	}
}

// CallsItselfByVsock detects a guest whose vsock leads to itself: a container in it is
// connected to its own listener.
func CallsItselfByVsock() Detection {
	return func(c *Case) Sight {
		if done := c.guest(); done != nil {
			return *done
		}
		o, err := c.observe(c.Seen, evidence.LookAgain, "vsock-agent")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		own, _ := o.Values.Text("own")
		sight := Sight{Outcome: Undetected, Reason: "is not connected to its own listener by vsock", Readings: []Reading{{Name: "own listener", Seen: own}}}
		if own == "reached" {
			sight.Outcome, sight.Reason = Detected, "is connected to its own listener by vsock"
		}
		return sight
	}
}

// ReachesAgent detects a container that is connected to the agent of its own guest,
// which does what it is told, without credentials, as root of the guest.
func ReachesAgent() Detection {
	return func(c *Case) Sight {
		if done := c.guest(); done != nil {
			return *done
		}
		o, err := c.observe(c.Seen, evidence.LookAgain, "vsock-agent")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if o.State != evidence.Seen {
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s has no way to its guest's agent by vsock: %s", c.Seen.Vantage, why(o))}
		}
		reached, ok1 := o.Values.List("reached")
		refused, ok2 := o.Values.List("refused")
		if !ok1 || !ok2 {
			return Sight{Outcome: Unknown, Reason: "does not say which ports of the agent it reached"}
		}
		if unanswered, _ := o.Values.List("unanswered"); len(reached) == 0 && (len(unanswered) > 0 || len(refused) == 0) {
			return Sight{Outcome: Unknown, Reason: "was neither connected to its guest's agent nor refused: " + shorten(unanswered)}
		}
		sight := Sight{Outcome: Undetected, Reason: "is refused by its guest's agent: " + strings.Join(refused, "; "),
			Readings: []Reading{listReading("agent ports", nil, reached, len(reached) > 0)}}
		if len(reached) > 0 {
			sight.Outcome, sight.Reason = Detected, "is connected to its guest's agent by vsock, at ports "+shorten(reached)
		}
		return sight
	}
}
