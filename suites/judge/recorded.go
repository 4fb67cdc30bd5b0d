package judge

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
)

// OnRecording shows a control able to fail where no pod of a node could: the same
// detection must find fault with evidence that was recorded on another node and then
// broken on purpose. It says nothing about the probe on this node, whose silence is
// an error. What names what is broken, for the reason. The rule's control vantage is
// evidence.Recording.
func OnRecording(from Evidence, what string, detects Detection) Detection {
	return func(*Case) Sight {
		recorded := &Case{Evidence: from, Truth: from.View(evidence.Witness), Seen: from.View(evidence.Subject)}
		sight := detects(recorded)
		sight.Reason = fmt.Sprintf("in which %s: %s", what, sight.Reason)
		return sight
	}
}
