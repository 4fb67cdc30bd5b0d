// Package compare says what changed between two runs: which controls got worse or
// better, what was changed between them, and what takes longer than it did.
package compare

import (
	"cmp"
	"slices"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Schema names the format of the comparison as JSON.
const Schema = "katacert.dev/comparison/v1"

// Kind is what became of a verdict.
type Kind string

// The kinds of changes, in the order in which they are shown.
const (
	// Regressed means that something held, or was shown to, and no longer is.
	Regressed Kind = "regressed"
	// Vanished means that a control or target was in the first run alone.
	Vanished Kind = "vanished"
	// Mended means that something did not hold, or was not shown to, and now is.
	Mended Kind = "mended"
	// Appeared means that a control or target is in the second run alone.
	Appeared Kind = "appeared"
	// Changed means another verdict that is neither better nor worse, for example an
	// error where there was a fail.
	Changed Kind = "changed"
)

// Kinds lists the kinds in the order in which they are shown.
func Kinds() []Kind { return []Kind{Regressed, Vanished, Mended, Appeared, Changed} }

// Comparison is what changed between two runs.
type Comparison struct {
	Schema string `json:"schema"`
	Before Side   `json:"before"`
	After  Side   `json:"after"`
	// Worse says whether something got worse: see Comparison.judge.
	Worse bool `json:"worse"`
	// Because says why, in sentences; empty when nothing got worse.
	Because []string `json:"because,omitempty"`
	// Notices say what the comparison cannot tell.
	Notices  []string  `json:"notices,omitempty"`
	Changes  []Change  `json:"changes"`
	Settings []Setting `json:"settings"`
	Shifts   []Shift   `json:"shifts"`
	// Same counts the verdicts that are the same in both runs.
	Same int `json:"same"`
}

// Side is one of the two runs.
type Side struct {
	Run      string            `json:"run"`
	Started  time.Time         `json:"started"`
	Version  string            `json:"version"`
	Profile  catalogue.Profile `json:"profile"`
	Require  catalogue.Level   `json:"require"`
	Outcome  reports.Outcome   `json:"outcome"`
	Headline string            `json:"headline"`
	Targets  int               `json:"targets"`
	Controls int               `json:"controls"`
}

// Change is a control whose verdict is another one, and on which targets.
type Change struct {
	Kind    Kind            `json:"kind"`
	Control string          `json:"control"`
	Title   string          `json:"title"`
	Level   catalogue.Level `json:"level"`
	// Before and After are marks: a verdict or "finding"; empty where there was none.
	Before  string   `json:"before,omitempty"`
	After   string   `json:"after,omitempty"`
	Targets []string `json:"targets"`
	// WasReason and Reason are those of the first target.
	WasReason string `json:"was_reason,omitempty"`
	Reason    string `json:"reason,omitempty"`
	OnFail    string `json:"on_fail,omitempty"`
}

// Setting is a version, a digest or a configuration that is another one.
type Setting struct {
	What    string   `json:"what"`
	Before  string   `json:"before"`
	After   string   `json:"after"`
	Targets []string `json:"targets,omitempty"`
}

// Compare compares two reports. Each is taken as Read or Conclude leaves it.
func Compare(before, after *reports.Report) *Comparison {
	c := &Comparison{Schema: Schema, Before: side(before), After: side(after), Changes: []Change{}, Settings: []Setting{}, Shifts: []Shift{}}
	pairs, notices := match(before, after)
	c.Notices = append(limits(before, after), notices...)
	c.changes(before, after, pairs)
	c.Settings = append(c.Settings, settings(before, after, pairs)...)
	c.Shifts = append(c.Shifts, shifts(before, after)...)
	c.judge(before, after)
	return c
}

func side(r *reports.Report) Side {
	return Side{Run: r.Run.ID, Started: r.Run.Started, Version: r.Run.Version, Profile: r.Run.Profile, Require: r.Run.Require, Outcome: r.Outcome,
		Headline: r.Headline(), Targets: len(r.Targets), Controls: len(r.Controls)}
}

// limits says what makes two runs hard to compare.
func limits(before, after *reports.Report) (notices []string) {
	if before.Cluster.Name != after.Cluster.Name {
		notices = append(notices, "The runs are of two clusters.")
	}
	if before.Run.Profile != after.Run.Profile {
		notices = append(notices, "The profiles differ: that controls vanished or appeared says nothing about the cluster.")
	}
	if after.Run.Started.Before(before.Run.Started) {
		notices = append(notices, "The second run is older than the first.")
	}
	for _, r := range []*reports.Report{before, after} {
		if label, text := r.Cause(); label != "" {
			notices = append(notices, "Run "+r.Run.ID+" was cut short, so its verdicts of error say nothing: "+text)
		}
	}
	return notices
}

// judge decides whether the second run is worse. A target that vanished is no
// regression, because nodes come and go. A control that passed and that the same
// profile no longer holds is one: nobody watches it any more.
func (c *Comparison) judge(before, after *reports.Report) {
	count := map[Kind]map[string]bool{Regressed: {}, Vanished: {}}
	targets := idsOf(after)
	for _, change := range c.Changes {
		switch {
		case change.Kind == Regressed:
			count[Regressed][change.Control] = true
		case change.Kind == Vanished && change.Before == string(judge.Pass) && before.Run.Profile == after.Run.Profile &&
			slices.ContainsFunc(change.Targets, func(t string) bool { return targets[t] }):
			count[Vanished][change.Control] = true
		}
	}
	if n := len(count[Regressed]); n > 0 {
		c.Because = append(c.Because, numbers.Plural(n, "control")+" got worse.")
	}
	if n := len(count[Vanished]); n > 0 {
		c.Because = append(c.Because, numbers.Plural(n, "control")+" passed before and is no longer in the plan of the same profile.")
	}
	rank := []reports.Outcome{reports.NotCertified, reports.Partial, reports.Certified}
	if slices.Index(rank, after.Outcome) < slices.Index(rank, before.Outcome) {
		c.Because = append(c.Because, "The outcome was "+string(before.Outcome)+" and is "+string(after.Outcome)+".")
	}
	c.Worse = len(c.Because) > 0
}

// Of returns the changes of one kind, in the order of the catalogue.
func (c *Comparison) Of(kind Kind) (changes []Change) {
	for _, change := range c.Changes {
		if change.Kind == kind {
			changes = append(changes, change)
		}
	}
	return changes
}

// Count says how many controls have changes of one kind.
func (c *Comparison) Count(kind Kind) int {
	controls := map[string]bool{}
	for _, change := range c.Of(kind) {
		controls[change.Control] = true
	}
	return len(controls)
}

// Headline says in a line what the comparison came to.
func (c *Comparison) Headline() string {
	switch {
	case c.Worse:
		return "WORSE: " + c.counts()
	case len(c.Changes) == 0:
		return "THE SAME: no verdict changed"
	default:
		return "NOT WORSE: " + c.counts()
	}
}

func (c *Comparison) counts() (text string) {
	for _, kind := range Kinds() {
		if n := c.Count(kind); n > 0 {
			if text != "" {
				text += ", "
			}
			text += numbers.Plural(n, "control") + " " + string(kind)
		}
	}
	return cmp.Or(text, "no verdict changed, but the outcome did")
}

func idsOf(r *reports.Report) map[string]bool {
	ids := map[string]bool{}
	for _, t := range r.Targets {
		ids[t.ID] = true
	}
	return ids
}
