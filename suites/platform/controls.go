// Package platform holds the controls over the cluster's own set-up.
package platform

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Controls are the controls of group platform.
func Controls() []catalogue.Control {
	return []catalogue.Control{{
		ID:        "runtimeclass-handler",
		Group:     catalogue.Platform,
		Title:     "The pod is run by the runtime that its RuntimeClass stands for",
		Why:       "A RuntimeClass is a name. Whether a sandbox runtime, and the right one, is behind it on this very node is decided by the node's configuration.",
		Proves:    "The pod kept its RuntimeClass through admission, the node lists the handler, and the shim that runs the pod on the node is that runtime's.",
		ProvesNot: "What the shim does; the kernel controls show that.",
		OnFail:    "Compare the handler in containerd's configuration on the named node with that of a good node; check mutating webhooks for the RuntimeClass.",
		Level:     catalogue.Isolation,
		Profile:   catalogue.Quick,
		Safety:    catalogue.Observes,
		Shown:     "a plain runc pod must be seen to run under a plain container runtime",
		Rule:      &judge.Rule{Detects: judge.PlainContainer(), Control: evidence.Reference, Expects: true},
		Refs:      catalogue.Refs("NIST CM-6", "NIST CM-7", "NIST AC-3", "ATT&CK T1610"),
	}}
}
