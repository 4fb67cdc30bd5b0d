package judge

import "github.com/katacert/katacert/probes/evidence"

// CallsLoopback detects a vantage whose call arrived at the listener that the
// witness planted on the node's 127.0.0.1, by the record of that listener.
func CallsLoopback() Detection {
	return tried("loopback", Any(Logged("loopback"), Logged("loopback-udp")))
}

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
		if sight.Outcome == Detected && c.Seen.Vantage == evidence.Subject || sight.Outcome == Unknown {
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
