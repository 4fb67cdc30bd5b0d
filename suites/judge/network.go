package judge

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
)

// CallsLoopback detects a vantage whose call arrived at the listener that the
// witness planted on the node's 127.0.0.1, by the record of that listener.
func CallsLoopback() Detection {
	return tried("loopback", Any(Logged("loopback"), Logged("loopback-udp")))
}

// ForgesFrames detects a vantage whose forged frame arrived at the node, by the
// record of the witness's listener for such frames.
func ForgesFrames() Detection { return tried("raw-frame", Logged("raw-frame")) }

// tried is for records that others keep of a vantage: who is not in the record
// has been kept out only if it tried, and says how in reading "tried". Nobody
// but the pods under test is believed to have been there without having tried.
func tried(probe string, logged Detection) Detection {
	return func(c *Case) Sight {
		o, err := c.observe(c.Seen, evidence.LookAgain, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		sight := logged(c)
		underTest := c.Seen.Vantage == evidence.Subject || c.Seen.Vantage == evidence.Neighbour
		if sight.Outcome == Detected && underTest || sight.Outcome == Unknown {
			return sight
		}
		if done := notSeen(o); done != nil {
			return *done
		}
		ways, ok := o.Values.List("tried")
		if !ok || len(ways) == 0 {
			return Sight{Outcome: Unknown, Reason: "does not say what it tried"}
		}
		sight.Readings = append(sight.Readings, listReading("tried", nil, ways, false))
		return sight
	}
}

// CallsOtherTenant detects that one of two tenants' pods reaches the other by the
// network, in either direction, by the record of the listener that was called.
// The control vantage, which nothing keeps out, calls the neighbour.
func CallsOtherTenant() Detection {
	return func(c *Case) Sight {
		if c.Seen.Vantage != evidence.Subject {
			return c.heard(c.Seen.Vantage, evidence.Neighbour)
		}
		ways := []Sight{c.heard(evidence.Subject, evidence.Neighbour), c.heard(evidence.Neighbour, evidence.Subject)}
		// Both directions must be shut: the worst of the two speaks.
		if way := worst(ways); way.Outcome != Undetected {
			return *way
		}
		return Sight{Outcome: Undetected, Reason: "and neighbour do not hear each other", Readings: append(ways[0].Readings, ways[1].Readings...)}
	}
}

// heard says whether the called tenant's listener heard the caller. A listener
// that did not hear its own pod has heard nothing that could count.
func (c *Case) heard(caller, called evidence.Vantage) Sight {
	calls := &Case{Evidence: c.Evidence, Truth: c.Truth, Seen: c.Evidence.View(caller)}
	defer func() { c.rests = merge(c.rests, calls.rests) }()
	sight := tried("tenant-call", func(calls *Case) Sight {
		log, err := calls.observe(c.Evidence.View(called), evidence.Settle, "listener-log")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be looked up: %s %v", called, err)}
		}
		touched, ok := log.Values.List("touched")
		if own := c.Evidence.View(called).rounds[evidence.LookAgain]; !ok || own.Nonce == "" || !contains(touched, "listener "+own.Nonce) {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be looked up: the listener of %s did not even hear its own pod", called)}
		}
		return calls.signed("listener", touched)
	})(calls)
	if sight.Outcome == Detected {
		sight.Reason = fmt.Sprintf("was heard by the listener of %s", called)
		if caller != c.Seen.Vantage {
			sight.Reason = fmt.Sprintf("heard a call of %s", caller)
		}
	}
	for i := range sight.Readings {
		sight.Readings[i].Name = fmt.Sprintf("%s_%s_to_%s", sight.Readings[i].Name, caller, called)
	}
	return sight
}

// AnswersMetadata detects a vantage that a cloud's metadata service answers,
// whatever its status. Where none answers the node itself, there is none.
func AnswersMetadata() Detection {
	answered := Reached("metadata", "answered", evidence.Look)
	return func(c *Case) Sight {
		node, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, "metadata")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: witness " + err.Error()}
		}
		sight := answered(c)
		if sight.Outcome == Detected {
			sight.Reason = "is answered by a metadata service: " + sight.Readings[0].Seen
			return sight
		}
		if sight.Outcome == Unknown {
			return sight
		}
		services, ok := node.Values.List("answered")
		switch {
		case !ok:
			return Sight{Outcome: Unknown, Reason: "cannot be compared: witness gave no list answered"}
		case len(services) == 0:
			return Sight{Outcome: NoTruth, Reason: "no metadata service answers on this node"}
		}
		if sight.Outcome == Undetected {
			sight.Reason = "asked and was answered by no metadata service; the node is answered by " + shorten(services)
		}
		return sight
	}
}
