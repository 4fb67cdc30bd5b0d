package reports_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// planned is a report of two isolation controls and a hardening control, on one
// target.
func planned() *reports.Report {
	return &reports.Report{
		Run:     reports.Run{Require: catalogue.Isolation},
		Targets: []reports.Target{{ID: "node/kata"}},
		Controls: []reports.Control{
			{ID: "kernel", Level: catalogue.Isolation}, {ID: "devices", Level: catalogue.Isolation}, {ID: "posture", Level: catalogue.Hardening},
		},
	}
}

func TestConclude(t *testing.T) {
	const pass, fail, invalid, absent, fault = judge.Pass, judge.Fail, judge.Invalid, judge.NotApplicable, judge.Error
	for _, test := range []struct {
		name string
		// results are the verdicts of kernel, devices and posture; empty for none.
		results  [3]judge.Result
		require  catalogue.Level
		change   func(*reports.Report)
		outcome  reports.Outcome
		headline string
	}{
		{name: "all passed", results: [3]judge.Result{pass, pass, pass}, outcome: reports.Certified, headline: "CERTIFIED"},
		{name: "not applicable costs nothing", results: [3]judge.Result{pass, absent, absent}, outcome: reports.Certified, headline: "CERTIFIED"},
		{name: "hardening fail", results: [3]judge.Result{pass, pass, fail}, outcome: reports.Certified, headline: "CERTIFIED with 1 finding"},
		{name: "hardening fail, required", results: [3]judge.Result{pass, pass, fail}, require: catalogue.Hardening,
			outcome: reports.NotCertified, headline: "NOT CERTIFIED: 1 control failed"},
		{name: "isolation fail", results: [3]judge.Result{fail, fail, fail}, outcome: reports.NotCertified, headline: "NOT CERTIFIED: 2 controls failed, 1 finding"},
		{name: "isolation fail beats error", results: [3]judge.Result{fail, fault, pass}, outcome: reports.NotCertified, headline: "NOT CERTIFIED: 1 control failed"},
		{name: "invalid", results: [3]judge.Result{pass, invalid, pass}, outcome: reports.Partial,
			headline: "PARTIAL: 1 invalid verdict, so not everything was proven"},
		{name: "error and finding", results: [3]judge.Result{fault, pass, fail}, outcome: reports.Partial,
			headline: "PARTIAL: 1 error verdict, so not everything was proven; 1 finding"},
		{name: "invalid hardening", results: [3]judge.Result{pass, pass, invalid}, outcome: reports.Partial,
			headline: "PARTIAL: 1 invalid verdict, so not everything was proven"},
		{name: "nothing passed", results: [3]judge.Result{absent, absent, absent}, outcome: reports.Partial,
			headline: "PARTIAL: no control passed, so nothing was proven"},
		{name: "missing verdict", results: [3]judge.Result{pass, "", pass}, outcome: reports.Partial,
			headline: "PARTIAL: 1 error verdict, so not everything was proven"},
		{name: "interrupted with all verdicts", results: [3]judge.Result{pass, pass, pass},
			change: func(r *reports.Report) { r.Run.Interrupted = "interrupt" }, outcome: reports.Partial, headline: "PARTIAL: the run was interrupted"},
		{name: "interrupted after a fail", results: [3]judge.Result{fail, "", ""},
			change: func(r *reports.Report) { r.Run.Interrupted = "interrupt" }, outcome: reports.NotCertified, headline: "NOT CERTIFIED: 1 control failed"},
		{name: "set-up error", change: func(r *reports.Report) { r.Run.SetupError = "no route" }, outcome: reports.Partial,
			headline: "PARTIAL: nothing could be run"},
		{name: "no control at all", change: func(r *reports.Report) { r.Controls = nil }, outcome: reports.Partial,
			headline: "PARTIAL: no control passed, so nothing was proven"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := planned()
			if test.require != "" {
				r.Run.Require = test.require
			}
			for i, result := range test.results {
				if result != "" {
					r.Verdicts = append(r.Verdicts, reports.Verdict{Control: r.Controls[i].ID, Target: "node/kata", Verdict: judge.Verdict{Result: result}})
				}
			}
			if test.change != nil {
				test.change(r)
			}
			r.Conclude()
			if r.Outcome != test.outcome {
				t.Errorf("the outcome is %s, want %s", r.Outcome, test.outcome)
			}
			if got := r.Headline(); got != test.headline {
				t.Errorf("the headline is %q, want %q", got, test.headline)
			}
			counted := 0
			for _, n := range r.Summary.Counts {
				counted += n
			}
			if counted != len(r.Controls) || len(r.Verdicts) != len(r.Controls) {
				t.Errorf("%d verdicts counted of %d, want %d: one for every control", counted, len(r.Verdicts), len(r.Controls))
			}
		})
	}
}

func TestConcludeGivesMissingControlsAnError(t *testing.T) {
	for _, test := range []struct {
		name, reason, target string
		change               func(*reports.Report)
	}{
		{"died", "the run ended before this control was judged", "node/kata", func(*reports.Report) {}},
		{"interrupted", "the run was interrupted (terminated) before this control was judged", "node/kata",
			func(r *reports.Report) { r.Run.Interrupted = "terminated" }},
		{"set-up", "nothing could be run: no route", "node/kata", func(r *reports.Report) { r.Run.SetupError = "no route" }},
		{"set-up before the plan", "nothing could be run: no route", "none",
			func(r *reports.Report) { r.Run.SetupError, r.Targets = "no route", nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := planned()
			test.change(r)
			r.Conclude()
			r.Conclude()
			if len(r.Verdicts) != 3 {
				t.Fatalf("there are %d verdicts, want one per control", len(r.Verdicts))
			}
			for _, v := range r.Verdicts {
				if v.Result != judge.Error || v.Reason != test.reason || v.Target != test.target {
					t.Errorf("%s: got %s %q for %q, want error %q for %q", v.Control, v.Result, v.Reason, v.Target, test.reason, test.target)
				}
			}
		})
	}
}

func TestHeadlineCountsControlsAndTargets(t *testing.T) {
	r := planned()
	r.Targets = []reports.Target{{ID: "a"}, {ID: "b"}, {ID: "c"}}
	for _, target := range []string{"a", "b"} {
		r.Verdicts = append(r.Verdicts, reports.Verdict{Control: "kernel", Target: target, Verdict: judge.Verdict{Result: judge.Fail}})
	}
	r.Conclude()
	if want := "NOT CERTIFIED: 1 control failed on 2 of 3 targets"; r.Headline() != want {
		t.Errorf("got %q, want %q", r.Headline(), want)
	}
}

func TestEntryNamesTheVantages(t *testing.T) {
	general := reports.Entry(catalogue.Control{ID: "kernel", Rule: &judge.Rule{Control: "reference"}})
	if general.Vantages == nil || general.Vantages.Truth != "witness" || general.Vantages.Subject != "subject" || general.Vantages.Control != "reference" {
		t.Errorf("got %+v", general.Vantages)
	}
	tenant := reports.Entry(catalogue.Control{ID: "tenant", Rule: &judge.Rule{Control: "reference", Truth: "subject", Subject: "neighbour"}})
	if truth, control, subject := tenant.Columns(); truth+" "+control+" "+subject != "subject reference neighbour" {
		t.Errorf("the columns are %s, %s, %s", truth, control, subject)
	}
	expecting := reports.Entry(catalogue.Control{ID: "posture", Rule: &judge.Rule{Control: "weakened/privileged", Expects: true}})
	if truth, control, subject := expecting.Columns(); truth+" "+control+" "+subject != "expected weakened/privileged subject" {
		t.Errorf("the columns are %s, %s, %s", truth, control, subject)
	}
	if own := reports.Entry(catalogue.Control{ID: "own"}); own.Vantages != nil {
		t.Errorf("a control with a verdict of its own has vantages %+v", own.Vantages)
	}
}

func TestPrintable(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"plain", "plain"},
		{"größer – ✓ 漢字", "größer – ✓ 漢字"},
		{"\x1b[31m\a\r\n\x00\x7f", `\x1b[31m\a\r\n\x00\x7f`},
		{"\u009b\u202e\u2066\u200b\ufeff", `\u009b\u202e\u2066\u200b\ufeff`},
		{"\U000e0041", `\U000e0041`},
		{"a\xffb", "a\ufffdb"},
		{strings.Repeat("é", 30), strings.Repeat("é", 20) + "… (60 bytes in all)"},
		{strings.Repeat("e", 21), strings.Repeat("e", 20) + "… (21 bytes in all)"},
		{strings.Repeat("e", 20), strings.Repeat("e", 20)},
	} {
		if got := judge.Printable(test.in, 20); got != test.want {
			t.Errorf("judge.Printable(%q) is %q, want %q", test.in, got, test.want)
		}
	}
}
