// Package trial lets trials of recorded evidence show that controls can fail which no
// pod of a sound node could make fail.
package trial

import (
	"fmt"
	"sync"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// Rule is the rule of a control whose detection must find fault with a trial.
func Rule(id string, detects judge.Detection) *judge.Rule {
	return &judge.Rule{Detects: detects, Shows: Shows(id, detects), Control: evidence.Recording, Expects: true}
}

// Shows is the detection on the evidence of a trial.
func Shows(id string, detects judge.Detection) judge.Detection {
	return func(c *judge.Case) judge.Sight {
		broken, err := brokenBy(id)
		if err != nil {
			return judge.Sight{Outcome: judge.Unknown, Reason: fmt.Sprintf("cannot be read: %v", err)}
		}
		return judge.OnRecording(broken.evidence, broken.what, detects)(c)
	}
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
