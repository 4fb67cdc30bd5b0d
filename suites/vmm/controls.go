// Package vmm holds the controls over what runs a sandbox on its node: the virtual
// machine monitor, the server of its files, and what the two share with others.
package vmm

import (
	"slices"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/internal/trial"
	"github.com/katacert/katacert/suites/judge"
)

// Controls are the controls of group vmm.
func Controls() []catalogue.Control {
	all := slices.Concat(processes(), guests())
	for i := range all {
		c := &all[i]
		c.Group = catalogue.VMM
		if c.Level == "" {
			c.Level = catalogue.Isolation
		}
		if c.Profile == "" {
			c.Profile = catalogue.Quick
		}
		if c.Safety == "" {
			c.Safety = catalogue.Observes
		}
		if c.Expected == nil {
			c.Expected = map[judge.Kind]judge.Result{}
		}
		if c.Expected[judge.KindUserKernel] == "" {
			c.Expected[judge.KindUserKernel] = judge.NotApplicable
		}
	}
	return all
}

// finding is the expectation of a control that Kata fails as everybody gets it.
func finding() map[judge.Kind]judge.Result {
	return map[judge.Kind]judge.Result{judge.KindVM: judge.Fail}
}

// byShim lets the shim of the plain runc pod show that the witness reads processes
// on this node, and that the judge finds fault with one that nothing confines.
func byShim(detects judge.Detection) *judge.Rule {
	return &judge.Rule{Detects: detects, Control: evidence.Reference, Expects: true}
}

// shownByShim says it.
const shownByShim = "the shim of the plain runc pod, which nothing confines, must be read on the same node and found at fault"

// byRecording lets a trial of recorded evidence show that the judge finds the fault:
// no process of a node without the fault could.
func byRecording(id string, detects judge.Detection) *judge.Rule { return trial.Rule(id, detects) }
