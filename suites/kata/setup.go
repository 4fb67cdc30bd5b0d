// Package kata holds the controls over Kata Containers as it is set up on a node:
// its configuration, its programs and images, and the flaws of its versions.
package kata

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// Setup is the Kata that stands behind a target.
type Setup struct {
	// Class and Handler are the RuntimeClass under certification and the name under
	// which the node's container runtime knows what runs it.
	Class, Handler string
	// Sandbox is that of the subject, as the witness saw it on the node.
	Sandbox judge.Sandbox
}

// Find says which Kata runs the subject of a target, or gives the verdict of every
// control on Kata where that is none: not-applicable for another runtime, and an
// error, with the pod's own failure where there is one, when it is not known.
//
// containerd writes no handler into a sandbox's bundle, so the handler is the one
// that the API server says of the RuntimeClass; that it really is Kata which runs
// the pod is said by the shim on the node.
func Find(c *judge.Case) (Setup, *judge.Verdict) {
	sandbox, err := c.SandboxOf(evidence.Subject)
	if err != nil {
		return Setup{}, ended(c, judge.Error, "subject "+err.Error())
	}
	switch sandbox.Kind() {
	case judge.KindVM:
	case judge.KindNone:
		return Setup{}, ended(c, judge.NotApplicable, fmt.Sprintf("%s runs the subject: a plain container, and no Kata", sandbox.Shim))
	default:
		return Setup{}, ended(c, judge.NotApplicable, fmt.Sprintf("%s runs the subject, and that is no Kata", sandbox.Shim))
	}
	asked, err := c.Observe(evidence.API, evidence.Look, "runtimeclass")
	if err != nil {
		return Setup{}, ended(c, judge.Error, "api "+err.Error())
	}
	class, _ := asked.Values.Text("runtime_class")
	handler, _ := asked.Values.Text("handler")
	if handler == "" {
		return Setup{}, ended(c, judge.Error, "api did not say the handler of the RuntimeClass")
	}
	return Setup{Class: class, Handler: handler, Sandbox: sandbox}, nil
}

func ended(c *judge.Case, result judge.Result, reason string) *judge.Verdict {
	verdict := c.Ends(result, reason)
	return &verdict
}
