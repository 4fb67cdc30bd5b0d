package reports

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// RuntimeOf is what ran the subject's sandbox by the evidence of its target; empty
// where the witness did not see it.
func RuntimeOf(from judge.Evidence) Runtime {
	sandbox, err := judge.SandboxOf(from, evidence.Subject)
	if err != nil {
		return Runtime{}
	}
	return Runtime{Kind: sandbox.Kind(), Shim: sandbox.Shim, Digest: sandbox.Digest}
}
