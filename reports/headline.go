package reports

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Headline says the outcome in words, for example "CERTIFIED with 2 findings"
// or "NOT CERTIFIED: 14 controls failed". Why a run was cut short is left to
// Cause.
func (r *Report) Headline() string {
	switch r.Outcome {
	case Certified:
		return "CERTIFIED" + r.findings(" with ")
	case NotCertified:
		return "NOT CERTIFIED: " + r.failed() + r.findings(", ")
	default:
		return "PARTIAL: " + r.unproven()
	}
}

// Cause says why the run was cut short, in a label and a text; both are empty
// when it was not.
func (r *Report) Cause() (label, text string) {
	switch {
	case r.Run.SetupError != "":
		return "Set-up error", r.Run.SetupError
	case r.Run.Interrupted != "":
		return "Interrupted", r.Run.Interrupted
	default:
		return "", ""
	}
}

func (r *Report) findings(before string) string {
	if r.Summary.Findings == 0 || r.Run.Require == catalogue.Hardening {
		return ""
	}
	return before + numbers.Plural(r.Summary.Findings, "finding")
}

// failed counts controls and not verdicts: one broken control on a thousand
// nodes is one thing to mend.
func (r *Report) failed() string {
	controls, targets := map[string]bool{}, map[string]bool{}
	for _, v := range r.Verdicts {
		if v.Result == judge.Fail && !r.Finding(v) {
			controls[v.Control], targets[v.Target] = true, true
		}
	}
	text := numbers.Plural(len(controls), "control") + " failed"
	if len(r.Targets) > 1 {
		text += fmt.Sprintf(" on %d of %s", len(targets), numbers.Plural(len(r.Targets), "target"))
	}
	return text
}

func (r *Report) unproven() string {
	switch {
	case r.Run.SetupError != "":
		return "nothing could be run"
	case r.Run.Interrupted != "":
		return "the run was interrupted"
	}
	var parts []string
	for _, result := range []judge.Result{judge.Error, judge.Invalid} {
		if n := r.Summary.Counts[result]; n > 0 {
			parts = append(parts, numbers.Plural(n, string(result)+" verdict"))
		}
	}
	if len(parts) == 0 {
		return "no control passed, so nothing was proven"
	}
	return strings.Join(parts, " and ") + ", so not everything was proven" + r.findings("; ")
}
