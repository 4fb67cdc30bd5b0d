// Package vmm holds the controls over what runs a sandbox on its node: the virtual
// machine monitor, the server of its files, and what the two share with others.
package vmm

import (
	"fmt"
	"slices"
	"sync"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
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
func byRecording(trial string, detects judge.Detection) *judge.Rule {
	shows := func(c *judge.Case) judge.Sight {
		broken, err := brokenBy(trial)
		if err != nil {
			return judge.Sight{Outcome: judge.Unknown, Reason: fmt.Sprintf("cannot be read: %v", err)}
		}
		return judge.OnRecording(broken.evidence, broken.what, detects)(c)
	}
	return &judge.Rule{Detects: detects, Shows: shows, Control: evidence.Recording, Expects: true}
}

// broken is the evidence of a trial.
type broken struct {
	evidence judge.Evidence
	what     string
}

// readTrials keeps what was read: a run judges many targets.
var readTrials sync.Map

func brokenBy(id string) (broken, error) {
	if known, ok := readTrials.Load(id); ok {
		return known.(broken), nil
	}
	trial, err := recordings.FindTrial(id)
	if err != nil {
		return broken{}, err
	}
	records, err := trial.Records()
	if err != nil {
		return broken{}, err
	}
	read := broken{judge.Gather(records), trial.Broken}
	readTrials.Store(id, read)
	return read, nil
}
