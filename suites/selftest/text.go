package selftest

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/katacert/katacert/suites/judge"
)

// Text shows the trials for people, a line or two each, and the outcome.
func (r *Result) Text(w io.Writer) {
	fmt.Fprintf(w, "%-9s %-23s %s\n", "", "sound set-up", shown(r.Sound.line()))
	for _, t := range r.Trials {
		state := t.state()
		if state != stateCaught {
			state = strings.ToUpper(state)
		}
		fmt.Fprintf(w, "%-9s %-23s %s\n", state, t.Mutant, shown(t.line()))
	}
	for _, recorded := range r.Recorded {
		fmt.Fprintf(w, "%-9s %-23s %s\n", "recorded", recorded.Name(), shown(recorded.line()))
	}
	for _, u := range r.NothingHere {
		fmt.Fprintf(w, "nothing to see on this node: %s (%s)\n", u.Control, shown(u.Why))
	}
	fmt.Fprintf(w, "\n%s\n", r.tally())
	_, causes := r.Outcome()
	for _, cause := range causes {
		fmt.Fprintln(w, "  "+shown(cause))
	}
	fmt.Fprintln(w, r.headline())
}

// headline says the outcome in words.
func (r *Result) headline() string {
	switch outcome, _ := r.Outcome(); outcome {
	case Sharp:
		return "SHARP: every mutant was caught, and nothing fired without cause"
	case Blunt:
		return "BLUNT: the suite does not catch what it must"
	default:
		return "PARTIAL: not everything could be tried"
	}
}

// tally says how much was tried.
func (r *Result) tally() string {
	return fmt.Sprintf("%d mutants, %d recordings judged, %d controls shown able to fail, in %s",
		len(r.Trials), len(r.Recorded), r.proven(), r.Finished.Sub(r.Started).Round(time.Second))
}

// What became of a mutant.
const (
	stateCaught   = "caught"
	stateSurvived = "survived"
	stateNotTried = "not tried"
)

func (t Trial) state() string {
	switch {
	case t.Failure != "":
		return stateNotTried
	case t.Survived():
		return stateSurvived
	default:
		return stateCaught
	}
}

// proven counts the controls that something made fail.
func (r *Result) proven() int {
	shown := map[string]bool{}
	for _, t := range append([]Trial{r.Sound}, r.Trials...) {
		for id, v := range t.Verdicts {
			if v.Shown || v.Result == judge.Fail {
				shown[id] = true
			}
		}
	}
	return len(shown)
}

// line is what a trial came to, in one line.
func (t Trial) line() string {
	if t.Failure != "" {
		return t.Failure
	}
	var parts []string
	if t.Mutant == "" {
		counts := map[judge.Result]int{}
		for _, v := range t.Verdicts {
			counts[v.Result]++
		}
		parts = append(parts, fmt.Sprintf("%d pass, %d not applicable, %d findings that are expected",
			counts[judge.Pass], counts[judge.NotApplicable], counts[judge.Fail]))
	} else {
		parts = append(parts, fmt.Sprintf("by %d of %d: %s", len(t.Caught), len(t.Caught)+len(t.Missed), list(t.Caught)))
	}
	if len(t.Also) > 0 {
		parts = append(parts, "also by "+list(t.Also))
	}
	if len(t.Missed) > 0 {
		parts = append(parts, "MISSED by "+list(t.Missed))
	}
	if len(t.Alarms) > 0 {
		parts = append(parts, "FIRED WITHOUT CAUSE: "+list(t.Alarms))
	}
	return strings.Join(parts, "; ")
}

func list(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
