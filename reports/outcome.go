package reports

import (
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Conclude derives outcome and summary from the verdicts, gives every planned
// control that has none for a target the verdict error, so that none can vanish
// from a report, and puts the verdicts in order: by target, then by control.
func (r *Report) Conclude() {
	r.fillMissing()
	r.order()
	r.Summary = Summary{Counts: map[judge.Result]int{}}
	failed, unproven := false, r.Run.Interrupted != "" || r.Run.SetupError != "" || len(r.Verdicts) == 0
	levels := map[string]catalogue.Level{}
	for _, c := range r.Controls {
		levels[c.ID] = c.Level
	}
	passed := false
	for _, v := range r.Verdicts {
		r.Summary.Counts[v.Result]++
		switch v.Result {
		case judge.Pass:
			passed = true
		case judge.Fail:
			if levels[v.Control] == catalogue.Hardening {
				r.Summary.Findings++
				failed = failed || r.Run.Require == catalogue.Hardening
			} else {
				failed = true
			}
		case judge.NotApplicable:
		default:
			unproven = true
		}
	}
	switch {
	case failed:
		r.Outcome = NotCertified
	case unproven || !passed:
		r.Outcome = Partial
	default:
		r.Outcome = Certified
	}
}

// Finding says whether a verdict is a finding: a fail that does not take the
// certificate at the level that the run requires.
func (r *Report) Finding(v Verdict) bool {
	for i := range r.Controls {
		if c := &r.Controls[i]; c.ID == v.Control {
			return r.finding(&v, c)
		}
	}
	return false
}

func (r *Report) finding(v *Verdict, of *Control) bool {
	return v.Result == judge.Fail && of.Level == catalogue.Hardening && r.Run.Require != catalogue.Hardening
}

func (r *Report) order() {
	ordered := make([]Verdict, 0, len(r.Verdicts))
	for _, sheet := range r.Sheets() {
		for _, row := range sheet.Rows {
			ordered = append(ordered, *row.Verdict)
		}
	}
	r.Verdicts = ordered
}

func (r *Report) fillMissing() {
	type key struct{ control, target string }
	have := map[key]bool{}
	for _, v := range r.Verdicts {
		have[key{v.Control, v.Target}] = true
	}
	reason := "the run ended before this control was judged"
	switch {
	case r.Run.SetupError != "":
		reason = "nothing could be run: " + r.Run.SetupError
	case r.Run.Interrupted != "":
		reason = "the run was interrupted (" + r.Run.Interrupted + ") before this control was judged"
	}
	targets := r.Targets
	if len(targets) == 0 {
		targets = []Target{{ID: noTarget}}
	}
	for _, t := range targets {
		for _, c := range r.Controls {
			if !have[key{c.ID, t.ID}] {
				r.Verdicts = append(r.Verdicts, Verdict{Control: c.ID, Target: t.ID, Verdict: judge.Verdict{Result: judge.Error, Reason: reason}})
			}
		}
	}
}

// noTarget stands for the target in the verdicts of a run that died before it
// knew its targets.
const noTarget = "none"
