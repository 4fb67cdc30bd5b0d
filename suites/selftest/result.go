package selftest

import (
	"fmt"
	"slices"
	"time"

	"github.com/katacert/katacert/fixtures/mutants"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Schema names the format of selftest.json.
const Schema = "katacert.dev/selftest/v1"

// Result is what a self-test came to.
type Result struct {
	Schema   string    `json:"schema"`
	ID       string    `json:"id"`
	Version  string    `json:"version"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// Whole says that every mutant was chosen: only then can a control be called
	// unproven.
	Whole bool `json:"whole"`
	// Sound is the trial of the unbroken set-up.
	Sound  Trial   `json:"sound"`
	Trials []Trial `json:"trials"`
	// Recorded are judgements of recorded evidence, made where every mutant was chosen.
	Recorded []Recorded `json:"recorded"`
	// Unproven are controls that nothing made fail: neither a control vantage nor
	// a mutant.
	Unproven []Unproven `json:"unproven"`
	// NothingHere are controls for which this node has nothing to be seen.
	NothingHere []Unproven `json:"nothing_here"`
	Leftovers   []string   `json:"leftovers,omitempty"`
}

// Unproven is a control and why it was not shown able to fail.
type Unproven struct {
	Control string `json:"control"`
	Why     string `json:"why"`
}

// Trial is one certification of a set-up, broken or sound.
type Trial struct {
	mutant *mutants.Mutant

	// Mutant is empty for the sound set-up.
	Mutant       string        `json:"mutant,omitempty"`
	Broken       string        `json:"broken,omitempty"`
	Means        string        `json:"means,omitempty"`
	Cluster      string        `json:"cluster,omitempty"`
	RuntimeClass string        `json:"runtime_class"`
	Run          string        `json:"run,omitempty"`
	Took         time.Duration `json:"took_ns"`
	// Failure says why the trial could not be made.
	Failure  string             `json:"failure,omitempty"`
	Verdicts map[string]Verdict `json:"verdicts"`
	// Caught are the controls that caught the mutant as they must, Also those that
	// caught it with cause, Missed those that should have.
	Caught []string `json:"caught,omitempty"`
	Also   []string `json:"also,omitempty"`
	Missed []string `json:"missed,omitempty"`
	// NotHere are controls that should have caught it, but have nothing to see on
	// this node.
	NotHere []string `json:"not_here,omitempty"`
	// Alarms are controls that fired without cause, or could not be judged.
	Alarms []string `json:"alarms,omitempty"`
}

// Verdict is what became of one control.
type Verdict struct {
	Result judge.Result `json:"result"`
	Shown  bool         `json:"shown,omitempty"`
	Reason string       `json:"reason"`
}

// read takes the verdicts of a report; a self-test has one target only.
func (t *Trial) read(report *reports.Report) {
	t.Run = report.Run.ID
	for _, v := range report.Verdicts {
		t.Verdicts[v.Control] = Verdict{Result: v.Result, Shown: v.Shown, Reason: v.Reason}
	}
}

// conclude compares every trial with what must become of it.
func (r *Result) conclude(all []catalogue.Control) {
	r.Sound.judge(all, nil, r.Sound)
	for i := range r.Trials {
		t := &r.Trials[i]
		t.judge(all, t.mutant, r.Sound)
	}
	r.Unproven, r.NothingHere = []Unproven{}, []Unproven{}
	if !r.Whole {
		return
	}
	for _, c := range all {
		if c.Rule != nil && c.Rule.RecordOnly {
			continue
		}
		if r.recordingCatches(c.ID) {
			continue
		}
		if why, nothing, ok := r.unproven(c.ID); ok && nothing {
			r.NothingHere = append(r.NothingHere, Unproven{c.ID, why})
		} else if ok {
			r.Unproven = append(r.Unproven, Unproven{c.ID, why})
		}
	}
}

// recordingCatches says whether recorded evidence made a control fail with cause.
func (r *Result) recordingCatches(control string) bool {
	return slices.ContainsFunc(r.Recorded, func(recorded Recorded) bool { return slices.Contains(recorded.Caught, control) })
}

// unproven says whether and why nothing made a control fail. Where it was not
// applicable in every trial and no control vantage detected, the node has nothing
// to be seen.
func (r *Result) unproven(control string) (why string, nothing, ok bool) {
	nothing, why = true, "no trial judged it"
	for _, t := range append([]Trial{r.Sound}, r.Trials...) {
		v, judged := t.Verdicts[control]
		if !judged {
			continue
		}
		if v.Shown || v.Result == judge.Fail {
			return "", false, false
		}
		if v.Result != judge.NotApplicable && t.Failure == "" {
			nothing = false
		}
		why = string(v.Result) + ": " + v.Reason
	}
	return why, nothing, true
}

// judge sorts the controls of a trial by what they should have done.
func (t *Trial) judge(all []catalogue.Control, m *mutants.Mutant, sound Trial) {
	for _, c := range all {
		v, judged := t.Verdicts[c.ID]
		if !judged {
			continue
		}
		switch want := catches(m, c.ID); {
		case want != "" && v.Result == want:
			t.Caught = append(t.Caught, c.ID)
		case want != "" && v.Result == judge.NotApplicable && nothingToSee(sound.Verdicts[c.ID]):
			t.NotHere = append(t.NotHere, c.ID)
		case want != "":
			t.Missed = append(t.Missed, c.ID)
		case !alarming(v.Result):
		case m != nil && m.MayCatch(c.ID):
			t.Also = append(t.Also, c.ID)
		case m == nil && v.Result == judge.Fail && c.Expects(judge.KindUserKernel) == judge.Fail:
		default:
			t.Alarms = append(t.Alarms, c.ID)
		}
	}
	if m != nil {
		for _, id := range m.Caught {
			if _, judged := t.Verdicts[id]; !judged {
				t.Missed = append(t.Missed, id)
			}
		}
	}
	slices.Sort(t.Missed)
	t.Missed = slices.Compact(t.Missed)
}

// catches is the verdict by which a control must catch a mutant, if it must.
func catches(m *mutants.Mutant, control string) judge.Result {
	switch {
	case m == nil || !slices.Contains(m.Caught, control):
		return ""
	case m.Verdict == mutants.Error:
		return judge.Error
	default:
		return judge.Fail
	}
}

// nothingToSee says whether a control found nothing on the sound set-up's node
// that anybody could have seen.
func nothingToSee(v Verdict) bool { return v.Result == judge.NotApplicable && !v.Shown }

// alarming verdicts need a cause.
func alarming(r judge.Result) bool {
	return r == judge.Fail || r == judge.Error || r == judge.Invalid
}

// Survived says whether the mutant was not caught by every control that must.
func (t Trial) Survived() bool { return t.Mutant != "" && (len(t.Missed) > 0 || len(t.Caught) == 0) }

// Outcome is what a self-test comes to.
type Outcome string

// The outcomes of a self-test.
const (
	// Sharp means that every mutant was caught, nothing fired without cause, and
	// no control is unproven.
	Sharp Outcome = "sharp"
	// Blunt means that a mutant survived, a control fired without cause, or one is
	// unproven.
	Blunt Outcome = "blunt"
	// Cut means that a trial could not be made.
	Cut Outcome = "partial"
)

// Outcome says what the self-test came to, and why.
func (r *Result) Outcome() (Outcome, []string) {
	var blunt, cut []string
	for _, t := range append([]Trial{r.Sound}, r.Trials...) {
		name := t.Mutant
		if name == "" {
			name = "sound set-up"
		}
		switch {
		case t.Failure != "":
			cut = append(cut, fmt.Sprintf("%s could not be tried: %s", name, t.Failure))
			continue
		case t.Survived():
			blunt = append(blunt, fmt.Sprintf("mutant %s survived: missed by %s", name, list(t.Missed)))
		}
		if len(t.Alarms) > 0 {
			blunt = append(blunt, fmt.Sprintf("%s: fired without cause: %s", name, list(t.Alarms)))
		}
	}
	for _, recorded := range r.Recorded {
		blunt = append(blunt, recorded.faults()...)
	}
	for _, u := range r.Unproven {
		blunt = append(blunt, fmt.Sprintf("control %s is unproven: %s", u.Control, u.Why))
	}
	switch {
	case len(blunt) > 0:
		return Blunt, append(blunt, cut...)
	case len(cut) > 0:
		return Cut, cut
	default:
		return Sharp, nil
	}
}
