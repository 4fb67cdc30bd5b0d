package selftest

import (
	"slices"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// mark is what a control made of a trial.
type mark string

const (
	markMissed   mark = "missed"
	markAlarm    mark = "fired without cause"
	markCaught   mark = "caught"
	markAlso     mark = "also caught"
	markExpected mark = "expected finding"
	markNothing  mark = "nothing to see"
	markHeld     mark = "held"
	// markUnjudged is that of a control without a verdict.
	markUnjudged mark = "not judged"
)

// marks lists what a control can make of a trial, worst first.
func marks() []mark {
	return []mark{markMissed, markAlarm, markCaught, markAlso, markExpected, markNothing, markHeld, markUnjudged}
}

// letter stands for a mark in a narrow column.
func (m mark) letter() string {
	return map[mark]string{markCaught: "C", markAlso: "c", markMissed: "M", markAlarm: "!", markNothing: "n", markExpected: "f", markHeld: "·"}[m]
}

// says explains a mark.
func (m mark) says() string {
	return map[mark]string{
		markMissed:   "must have caught it, and did not",
		markAlarm:    "fired without cause, or could not be judged",
		markCaught:   "caught as it must",
		markAlso:     "caught too, with cause",
		markExpected: "a finding that everybody's set-up of this kind has",
		markNothing:  "this node has nothing to be seen",
		markHeld:     "did not fire, and need not",
		markUnjudged: "no verdict: not in the plan, or not tried",
	}[m]
}

// mark says what a control made of the trial.
func (t Trial) mark(control string) mark {
	v, judged := t.Verdicts[control]
	switch {
	case slices.Contains(t.Caught, control):
		return markCaught
	case slices.Contains(t.Missed, control):
		return markMissed
	case slices.Contains(t.Alarms, control):
		return markAlarm
	case slices.Contains(t.Also, control):
		return markAlso
	case slices.Contains(t.NotHere, control):
		return markNothing
	case !judged:
		return markUnjudged
	case v.Result == judge.Fail:
		return markExpected
	default:
		return markHeld
	}
}

// mark says what a control made of recorded evidence.
func (r Recorded) mark(control string) mark {
	m := Trial{Verdicts: r.Verdicts, Caught: r.Caught, Missed: r.Missed, Alarms: r.Alarms}.mark(control)
	if m == markCaught && r.Trial == "" {
		return markExpected // what is open as everybody gets it
	}
	return m
}

// byRecording says whether a recording shows the control able to fail.
func byRecording(c catalogue.Control) bool {
	return c.Rule != nil && c.Rule.Control == evidence.Recording
}

// shownBy says by what a control was shown able to fail; empty where nothing did.
func (r *Result) shownBy(c catalogue.Control) string {
	control := c.ID
	if byRecording(c) {
		return "recorded"
	}
	if r.Sound.Verdicts[control].Shown {
		return "control vantage"
	}
	for _, t := range r.Trials {
		if v := t.Verdicts[control]; v.Shown || v.Result == judge.Fail {
			return "mutant " + t.Mutant
		}
	}
	if r.recordingCatches(control) {
		return "recorded"
	}
	return ""
}
