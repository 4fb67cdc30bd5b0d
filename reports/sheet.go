package reports

import (
	"cmp"
	"slices"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Sheet holds the verdicts of one target in the order of the catalogue.
type Sheet struct {
	Target Target
	Rows   []Row
}

// Row is one verdict with the control that it answers.
type Row struct {
	Control *Control
	Verdict *Verdict
	// Finding says that the verdict is a fail that does not take the certificate.
	Finding bool
}

// Mark is what the reports for people call the verdict: its result, or
// "finding".
func (r Row) Mark() string {
	if r.Finding {
		return markFinding
	}
	return string(r.Verdict.Result)
}

const markFinding = "finding"

// Marks lists what Row.Mark can return, from worst to best.
func Marks() []string {
	var marks []string
	for _, result := range judge.Results() {
		marks = append(marks, string(result))
		if result == judge.Fail {
			marks = append(marks, markFinding)
		}
	}
	return marks
}

// Sheets returns the verdicts by target, in the order of Targets. A verdict
// whose target or control is not listed keeps a sheet or row of its own, so
// that nothing can vanish from a format.
func (r *Report) Sheets() []Sheet {
	controls, rank := make(map[string]*Control, len(r.Controls)), make(map[string]int, len(r.Controls))
	for i := range r.Controls {
		controls[r.Controls[i].ID], rank[r.Controls[i].ID] = &r.Controls[i], i
	}
	sheets := make([]Sheet, len(r.Targets))
	index := make(map[string]int, len(r.Targets))
	for i, t := range r.Targets {
		sheets[i] = Sheet{Target: t, Rows: make([]Row, 0, len(r.Controls))}
		index[t.ID] = i
	}
	for n := range r.Verdicts {
		v := &r.Verdicts[n]
		i, ok := index[v.Target]
		if !ok {
			i = len(sheets)
			index[v.Target] = i
			sheets = append(sheets, Sheet{Target: Target{ID: v.Target}})
		}
		control, ok := controls[v.Control]
		if !ok {
			control = &Control{ID: v.Control, Group: "unknown", Level: catalogue.Isolation}
			controls[v.Control], rank[v.Control] = control, len(rank)
		}
		sheets[i].Rows = append(sheets[i].Rows, Row{Control: control, Verdict: v, Finding: r.finding(v, control)})
	}
	for _, sheet := range sheets {
		slices.SortStableFunc(sheet.Rows, func(a, b Row) int { return cmp.Compare(rank[a.Control.ID], rank[b.Control.ID]) })
	}
	return sheets
}

// Worst returns the rows that are not a pass, worst first, and how many passed.
func (s Sheet) Worst() (rows []Row, passed int) {
	for _, row := range s.Rows {
		if row.Verdict.Result == judge.Pass {
			passed++
			continue
		}
		rows = append(rows, row)
	}
	marks := Marks()
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Compare(slices.Index(marks, a.Mark()), slices.Index(marks, b.Mark()))
	})
	return rows, passed
}

// Columns names the three columns of a comparison: what the subject is compared
// with, the vantage that must detect, and the subject.
func (c Control) Columns() (truth, control, subject string) {
	truth, control, subject = "expected", "control", string(evidence.Subject)
	if c.Vantages == nil {
		return truth, control, subject
	}
	switch c.Vantages.Truth {
	case "":
	case evidence.Witness:
		truth = "host"
	default:
		truth = string(c.Vantages.Truth)
	}
	return truth, cmp.Or(string(c.Vantages.Control), control), string(c.Vantages.Subject)
}

// Note says in words what a comparison shows.
func Note(c judge.Comparison) string {
	switch {
	case c.Match && c.Truth == c.Subject:
		return "equal"
	case c.Match:
		return "detected"
	default:
		return ""
	}
}
