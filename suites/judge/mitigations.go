package judge

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// ShowsMitigations tells what the node's kernel says of its processor's known flaws.
// It compares with nothing: which of them matter depends on what the tenants are.
func ShowsMitigations() Detection {
	return func(c *Case) Sight {
		// What a node's processor does matters to a pod that runs on it.
		if _, err := c.sandbox(c.Seen.Vantage); err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		o, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, "mitigations")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "runs on a processor that cannot be told of: witness " + err.Error()}
		}
		if o.State != evidence.Seen {
			return Sight{Outcome: NoTruth, Reason: "the node's kernel says nothing of flaws of its processor: " + why(o)}
		}
		lines, _ := o.Values.List("vulnerabilities")
		var open []string
		sight := Sight{Outcome: Undetected}
		for _, line := range lines {
			name, text, _ := strings.Cut(line, ": ")
			sight.Readings = append(sight.Readings, Reading{Name: name, Truth: text})
			if strings.HasPrefix(text, "Vulnerable") || strings.Contains(text, "SMT vulnerable") {
				open = append(open, name)
			}
		}
		smt, _ := o.Values.Text("smt_active")
		sight.Readings = append(sight.Readings, Reading{Name: "smt_active", Truth: smt})
		sight.Reason = fmt.Sprintf("the node's kernel knows %d flaws of its processor, and calls itself vulnerable to %d: %s; threads of one core in use at once: %s",
			len(lines), len(open), shorten(open), map[string]string{"1": "yes", "0": "no"}[smt])
		return sight
	}
}
