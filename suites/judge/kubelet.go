package judge

import (
	"fmt"
	"slices"

	"github.com/katacert/katacert/probes/evidence"
)

// kubeletSecure is how probe kubelet calls the port on which the kubelet speaks
// TLS.
const kubeletSecure = "10250"

// kubeletSight is what a vantage found on the kubelet's ports.
type kubeletSight struct {
	reached, open []string
	standIn       string
	readings      []Reading
}

// onKubelet reads what the seen vantage found on the kubelet's ports, or gives the
// sight that ends the detection. Where the node itself reaches none of them there
// is no kubelet to be asked.
func (c *Case) onKubelet() (found kubeletSight, done *Sight) {
	node, err := c.observe(c.Evidence.View(evidence.Witness), evidence.LookAgain, "kubelet")
	if err != nil {
		return found, &Sight{Outcome: Unknown, Reason: "cannot be compared: witness " + err.Error()}
	}
	seen, err := c.observe(c.Seen, evidence.LookAgain, "kubelet")
	if err != nil {
		return found, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	if done := notSeen(seen); done != nil {
		return found, done
	}
	there, ok1 := node.Values.List("answers")
	nodeReaches, ok2 := node.Values.List("reached")
	answers, ok3 := seen.Values.List("answers")
	var ok4, ok5, ok6 bool
	found.reached, ok4 = seen.Values.List("reached")
	found.open, ok5 = seen.Values.List("open")
	found.standIn, ok6 = seen.Values.Text("stand_in")
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 {
		return found, &Sight{Outcome: Unknown, Reason: "cannot be compared: readings of the kubelet's ports are missing"}
	}
	found.readings = []Reading{listReading("answers", there, answers, len(found.open) > 0), {Name: "stand_in", Seen: found.standIn}}
	if len(found.open) == 0 && len(nodeReaches) == 0 {
		return found, &Sight{Outcome: NoTruth, Reason: "nothing answers on the kubelet's ports of this node: " + shorten(there)}
	}
	return found, nil
}

// OpensKubelet detects a vantage to which the node's kubelet would tell its pods
// without credentials: the port without TLS told them, or the vantage reaches the
// port with TLS, and the kubelet there tells them to a stranger, whom katacert
// sends from outside. Both halves are needed: where the port is not reached it is
// of no matter to the vantage what the kubelet tells.
func OpensKubelet() Detection {
	asked := Granted("kubelet-anonymous", "")
	return func(c *Case) Sight {
		found, done := c.onKubelet()
		if done != nil {
			return *done
		}
		sight := Sight{Outcome: Undetected, Readings: found.readings}
		if len(found.open) > 0 {
			sight.Outcome, sight.Reason = Detected, "reads the node's pods without credentials at port "+found.open[0]
			return sight
		}
		if !slices.Contains(found.reached, kubeletSecure) {
			sight.Reason = "does not reach the kubelet's port " + kubeletSecure
			return sight
		}
		stranger := asked(c)
		sight.Outcome = stranger.Outcome
		sight.Readings = append(sight.Readings, stranger.Readings...)
		sight.Reason = fmt.Sprintf("reaches the kubelet's port %s, and the kubelet there, asked without credentials from outside, %s", kubeletSecure, stranger.Reason)
		return sight
	}
}

// MeetsOpenKubelet detects a vantage that shows that OpensKubelet can detect: it
// reaches the kubelet's port with TLS, it reads the pods of the stand-in that the
// witness planted, and the kubelet tells its pods at the paths that the stranger
// asks for to the API server, who may.
func MeetsOpenKubelet() Detection {
	told := GrantedElsewhere("kubelet-anonymous")
	return func(c *Case) Sight {
		found, done := c.onKubelet()
		if done != nil {
			return *done
		}
		if done := c.unplanted("kubelet"); done != nil {
			return *done
		}
		sight := Sight{Outcome: Undetected, Readings: found.readings}
		sight.Readings[1].Match = found.standIn == "open"
		if !sight.Readings[1].Match {
			sight.Reason = "was told nothing by the open kubelet's stand-in: " + found.standIn
			return sight
		}
		if !slices.Contains(found.reached, kubeletSecure) {
			sight.Reason = "does not reach the kubelet's port " + kubeletSecure
			return sight
		}
		server := told(c)
		sight.Outcome = server.Outcome
		sight.Reason = fmt.Sprintf("reaches the kubelet's port %s and reads the pods of an open kubelet's stand-in; the kubelet, asked for the same by the API server, %s", kubeletSecure, server.Reason)
		return sight
	}
}
