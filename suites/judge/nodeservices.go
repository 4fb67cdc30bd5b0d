package judge

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
)

// ReachesNodeServices detects a vantage that is connected to a port on which,
// by the witness's list, a service of the node waits at the node's address. The
// control vantage may be connected to the service that the witness planted there
// instead: the node may have none.
func ReachesNodeServices() Detection {
	const probe = "node-services"
	return func(c *Case) Sight {
		node, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Act, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: witness " + err.Error()}
		}
		seen, err := c.observe(c.Seen, evidence.LookAgain, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if done := notSeen(seen); done != nil {
			return *done
		}
		ports, ok1 := node.Values.List("ports")
		connected, ok2 := seen.Values.List("reached")
		standIn, ok3 := seen.Values.Text("stand_in")
		if !ok1 || !ok2 || !ok3 {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: readings of the node's ports are missing"}
		}
		reached := intersect(ports, connected)
		sight := Sight{Outcome: Undetected, Readings: []Reading{
			listReading("reached", ports, reached, len(reached) > 0), {Name: "stand_in", Seen: standIn}}}
		switch {
		case len(reached) > 0:
			sight.Outcome = Detected
			sight.Reason = fmt.Sprintf("reaches %d of %d ports of the node's services: %s", len(reached), len(ports), shorten(reached))
		case len(ports) == 0:
			sight.Reason = "finds no service of the node: none waits at the node's own address, besides those that are meant for pods"
		default:
			sight.Reason = fmt.Sprintf("reached none of %d ports of the node's services", len(ports))
		}
		if sight.Outcome == Undetected && c.Seen.Vantage != evidence.Subject {
			if done := c.unplanted("kubelet"); done != nil {
				return *done
			}
			if sight.Readings[1].Match = standIn == "done"; sight.Readings[1].Match {
				sight.Outcome, sight.Reason = Detected, "reaches the service that was planted at the node's address"
			}
		}
		return sight
	}
}
