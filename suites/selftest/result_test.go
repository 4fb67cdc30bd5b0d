package selftest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/mutants"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

func controls() []catalogue.Control {
	return []catalogue.Control{
		{ID: "must", Rule: &judge.Rule{}},
		{ID: "may", Rule: &judge.Rule{}},
		{ID: "other", Rule: &judge.Rule{}},
		{ID: "finding", Rule: &judge.Rule{}, Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.Fail}},
		{ID: "recorded", Rule: &judge.Rule{RecordOnly: true}},
	}
}

// sound is what a set-up without a fault comes to.
func sound() map[string]Verdict {
	return map[string]Verdict{
		"must":     {Result: judge.Pass, Shown: true},
		"may":      {Result: judge.Pass, Shown: true},
		"other":    {Result: judge.NotApplicable, Shown: true},
		"finding":  {Result: judge.Fail, Shown: true},
		"recorded": {Result: judge.NotApplicable},
	}
}

func mutant() *mutants.Mutant {
	return &mutants.Mutant{ID: "m", Caught: []string{"must"}, May: "may|finding"}
}

// result is a self-test of one mutant, before it is concluded.
func result(change func(r *Result)) *Result {
	broken := sound()
	broken["must"] = Verdict{Result: judge.Fail, Shown: true}
	r := &Result{Whole: true, Sound: Trial{Verdicts: sound()}, Trials: []Trial{{Mutant: "m", mutant: mutant(), Verdicts: broken}}}
	change(r)
	r.conclude(controls())
	return r
}

func TestOutcome(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(r *Result)
		want   Outcome
		says   string
	}{
		{"caught", func(*Result) {}, Sharp, ""},
		{"also caught with cause", func(r *Result) { r.Trials[0].Verdicts["may"] = Verdict{Result: judge.Fail} }, Sharp, ""},
		{"survives", func(r *Result) { r.Trials[0].Verdicts["must"] = Verdict{Result: judge.Pass, Shown: true} }, Blunt, "mutant m survived: missed by must"},
		{"an error catches nothing", func(r *Result) { r.Trials[0].Verdicts["must"] = Verdict{Result: judge.Error} }, Blunt, "missed by must"},
		{"what must catch it was not judged", func(r *Result) { delete(r.Trials[0].Verdicts, "must") }, Blunt, "missed by must"},
		{"hidden by the sandbox, not by the node", func(r *Result) { r.Trials[0].Verdicts["must"] = Verdict{Result: judge.NotApplicable} }, Blunt, "missed by must"},
		{"without cause", func(r *Result) { r.Trials[0].Verdicts["other"] = Verdict{Result: judge.Fail} }, Blunt, "m: fired without cause: other"},
		{"invalid", func(r *Result) { r.Trials[0].Verdicts["other"] = Verdict{Result: judge.Invalid} }, Blunt, "m: fired without cause: other"},
		{"false alarm", func(r *Result) { r.Sound.Verdicts["may"] = Verdict{Result: judge.Fail} }, Blunt, "sound set-up: fired without cause: may"},
		{"not judged on the sound set-up", func(r *Result) { r.Sound.Verdicts["may"] = Verdict{Result: judge.Error} }, Blunt, "sound set-up: fired without cause: may"},
		{"unproven", func(r *Result) {
			r.Sound.Verdicts["other"] = Verdict{Result: judge.Pass}
			r.Trials[0].Verdicts["other"] = Verdict{Result: judge.Pass}
		}, Blunt, "control other is unproven"},
		{"not tried", func(r *Result) { r.Trials[0].Failure, r.Trials[0].Verdicts = "no cluster", nil }, Cut, "m could not be tried: no cluster"},
		{"a mutant's fail proves a control", func(r *Result) {
			r.Sound.Verdicts["must"] = Verdict{Result: judge.Pass}
			r.Trials[0].Verdicts["must"] = Verdict{Result: judge.Fail}
		}, Sharp, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, causes := result(test.change).Outcome()
			if got != test.want || !strings.Contains(strings.Join(causes, "\n"), test.says) || (got == Sharp) != (len(causes) == 0) {
				t.Errorf("%s, because %q; want %s, because %q", got, causes, test.want, test.says)
			}
		})
	}
}

func TestWhatTheNodeLacksIsNotMissed(t *testing.T) {
	r := result(func(r *Result) {
		r.Sound.Verdicts["must"] = Verdict{Result: judge.NotApplicable, Reason: "the node has none"}
		r.Trials[0].Verdicts["must"] = Verdict{Result: judge.NotApplicable, Reason: "the node has none"}
		r.Trials[0].mutant.Caught = []string{"must", "may"}
		r.Trials[0].Verdicts["may"] = Verdict{Result: judge.Fail}
	})
	if outcome, causes := r.Outcome(); outcome != Sharp {
		t.Errorf("%s, because %q", outcome, causes)
	}
	if !slices.Equal(r.Trials[0].NotHere, []string{"must"}) || len(r.NothingHere) != 1 || r.NothingHere[0].Control != "must" {
		t.Errorf("not here %q, nothing here %+v", r.Trials[0].NotHere, r.NothingHere)
	}
}

func TestAPartCallsNothingUnproven(t *testing.T) {
	r := result(func(r *Result) {
		r.Whole = false
		r.Sound.Verdicts["other"], r.Trials[0].Verdicts["other"] = Verdict{Result: judge.Pass}, Verdict{Result: judge.Pass}
	})
	if outcome, causes := r.Outcome(); outcome != Sharp {
		t.Errorf("%s, because %q", outcome, causes)
	}
}

func TestErrorsCatchLiars(t *testing.T) {
	for verdict, want := range map[judge.Result]Outcome{judge.Error: Sharp, judge.Pass: Blunt, judge.Fail: Blunt, judge.Invalid: Blunt} {
		r := result(func(r *Result) {
			r.Trials[0].mutant.Verdict = mutants.Error
			r.Trials[0].Verdicts["must"] = Verdict{Result: verdict, Shown: true}
		})
		if got, causes := r.Outcome(); got != want {
			t.Errorf("a liar came to %s: %s (%q), want %s", verdict, got, causes, want)
		}
	}
}

func TestMatrixAndText(t *testing.T) {
	r := result(func(r *Result) {
		r.Trials[0].Verdicts["other"] = Verdict{Result: judge.Fail}
		r.Trials[0].Verdicts["may"] = Verdict{Result: judge.Fail}
	})
	var text, matrix strings.Builder
	r.Text(&text)
	if err := r.writeMarkdown(&matrix, controls()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"caught    m", "by 1 of 1: must", "also by may", "FIRED WITHOUT CAUSE: other", "BLUNT"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	for _, want := range []string{"| must | control vantage | · | **C** |", "| may | control vantage | · | c |", "| other | control vantage | · | **!** |", "| finding | control vantage | f | c |"} {
		if !strings.Contains(matrix.String(), want) {
			t.Errorf("the matrix lacks %q:\n%s", want, matrix.String())
		}
	}
}

// A cluster that does not come up leaves every trial untried, and says why.
func TestRunWithoutACluster(t *testing.T) {
	r := Run(t.Context(), Options{
		Mutants: mutants.All(), Out: t.TempDir(), Progress: silent{}, Timeouts: certification.DefaultTimeouts(1),
		Open: func(context.Context, mutants.Cluster) (Site, error) { return Site{}, errors.New("no room") },
	})
	outcome, causes := r.Outcome()
	if outcome != Cut || len(r.Trials) != len(mutants.All()) || len(causes) != len(r.Trials)+1 || !strings.Contains(causes[0], "no room") {
		t.Errorf("%s with %d trials: %q", outcome, len(r.Trials), causes)
	}
	if written, err := r.Write(t.TempDir(), certification.Catalogue()); err != nil || len(written) != 3 {
		t.Errorf("wrote %q: %v", written, err)
	}
}

type silent struct{}

func (silent) Plan(int)             {}
func (silent) Phase(string, string) {}
func (silent) Done(int)             {}
func (silent) Note(string)          {}

// Every mutant names controls that there are and that look at it, and breaks
// something.
func TestMutantsAreSound(t *testing.T) {
	all := certification.Catalogue()
	seen := map[string]bool{}
	for _, m := range mutants.All() {
		if seen[m.ID] || m.ID == "" || m.Broken == "" || m.Means == "" || len(m.Caught) == 0 || m.Cluster == "" {
			t.Errorf("mutant %+v is not whole, or its id is used twice", m.ID)
		}
		seen[m.ID] = true
		looking, err := catalogue.Select(all, chosen(m))
		if err != nil {
			t.Errorf("mutant %s: %v", m.ID, err)
		}
		for _, id := range m.Caught {
			if !slices.ContainsFunc(looking, func(c catalogue.Control) bool { return c.ID == id }) {
				t.Errorf("mutant %s must be caught by %s, which does not look at it", m.ID, id)
			}
		}
		for _, c := range looking {
			_ = m.MayCatch(c.ID) // its expression compiles
		}
	}
	if _, err := mutants.Select("no-such"); err == nil || !strings.Contains(err.Error(), "handler-is-runc") {
		t.Errorf("an unknown mutant: %v", err)
	}
	if _, err := mutants.Select("("); err == nil {
		t.Error("an expression that does not compile chooses mutants")
	}
}
