package selftest

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

//go:embed page.tmpl
var pageText string

// Longest texts on the page, in characters; selftest.json holds them whole.
const (
	longestText   = 1000
	longestReason = 300
	longestHint   = 120
)

var pageTemplate = template.Must(template.New("selftest").Funcs(template.FuncMap{
	"text":   func(text string) string { return judge.Printable(text, longestText) },
	"reason": func(text string) string { return judge.Printable(text, longestReason) },
	"none":   orNone,
}).Parse(pageText))

type (
	// page is what the template sees.
	page struct {
		*Result
		reports.Frame
		Headline, Tally string
		// Tone is the class of the head: that of an outcome of a certification.
		Tone     string
		Causes   []string
		Legend   []mark
		Controls []pageControl
		Mutants  []pageTrial
		Records  []pageTrial
	}
	// pageTrial is a trial of a mutant, of the sound set-up or of recorded evidence.
	pageTrial struct {
		// Link is the trial's identity on the page.
		Link, Name, State, Tone, Marks string
		Facts                          []pageFact
		Failure                        string
		Fired                          []pageVerdict
		Held                           int
	}
	pageFact    struct{ Name, Value string }
	pageVerdict struct {
		Control string
		Mark    mark
		Reason  string
	}
	pageControl struct {
		ID, Title, Shown, Marks string
		Cells                   []pageCell
	}
	pageCell struct {
		Mark mark
		Hint string
	}
)

// Tone is the class of a mark: that of a verdict in a report, whose colours it has.
func (m mark) Tone() string {
	return map[mark]string{markCaught: "pass", markAlso: "invalid", markMissed: "fail", markAlarm: "error", markExpected: "finding", markNothing: "not-applicable"}[m]
}

// Letter and Says are for the template.
func (m mark) Letter() string { return m.letter() }

// Says explains the mark.
func (m mark) Says() string { return m.says() }

// Slug names the mark to the filter.
func (m mark) Slug() string { return strings.ReplaceAll(string(m), " ", "-") }

// writePage writes the matrix and every trial as one file that needs nothing else.
func (r *Result) writePage(w io.Writer, all []catalogue.Control) error {
	outcome, causes := r.Outcome()
	p := page{
		Result: r, Frame: reports.FilteredFrame(), Headline: r.headline(), Tally: r.tally(), Causes: causes,
		Tone: map[Outcome]string{Sharp: string(reports.Certified), Blunt: string(reports.NotCertified), Cut: string(reports.Partial)}[outcome],
	}
	for _, m := range marks() {
		if m != markUnjudged {
			p.Legend = append(p.Legend, m)
		}
	}
	trials := append([]Trial{r.Sound}, r.Trials...)
	for _, t := range trials {
		p.Mutants = append(p.Mutants, t.view(all))
	}
	for _, recorded := range r.Recorded {
		p.Records = append(p.Records, recorded.view(all))
	}
	for _, c := range all {
		p.Controls = append(p.Controls, r.row(c, trials))
	}
	return pageTemplate.Execute(w, p)
}

// row is a control with what it made of every trial.
func (r *Result) row(c catalogue.Control, trials []Trial) pageControl {
	row := pageControl{ID: c.ID, Title: c.Title, Shown: r.shownBy(c)}
	var have []mark
	for _, t := range trials {
		m := t.mark(c.ID)
		cell := pageCell{Mark: m}
		if m != markHeld && m != markUnjudged {
			cell.Hint = judge.Printable(t.Verdicts[c.ID].Reason, longestHint)
		}
		row.Cells = append(row.Cells, cell)
		have = append(have, m)
	}
	row.Marks = slugs(have)
	return row
}

func (t Trial) view(all []catalogue.Control) pageTrial {
	v := pageTrial{Link: "mutant-" + t.Mutant, Name: t.Mutant, State: t.state(), Failure: t.Failure}
	if t.Mutant == "" {
		v.Link, v.Name, v.State = "sound", "sound set-up", "sound"
		if len(t.Alarms) > 0 {
			v.State = string(markAlarm)
		}
	}
	v.Facts = facts("What is broken", t.Broken, "How it is made", t.Means, "Cluster", t.Cluster, "RuntimeClass", t.RuntimeClass,
		"Run", t.Run, "Took", t.Took.Round(100*time.Millisecond).String())
	v.read(all, t.mark, t.Verdicts)
	return v
}

func (r Recorded) view(all []catalogue.Control) pageTrial {
	v := pageTrial{Link: "recorded-" + r.Name(), Name: r.Name(), State: stateCaught, Failure: r.Failure}
	switch {
	case r.Failure != "":
		v.State = stateNotTried
	case len(r.Missed) > 0:
		v.State = stateSurvived
	case r.Trial == "":
		v.State = "sound"
	}
	v.Facts = facts("What is broken", r.Broken, "Recorded on", r.What, "Recording", r.Recording)
	v.read(all, r.mark, r.Verdicts)
	return v
}

// read takes what the controls made of the trial, worst first.
func (v *pageTrial) read(all []catalogue.Control, markOf func(string) mark, verdicts map[string]Verdict) {
	byMark := map[mark][]pageVerdict{}
	for _, c := range all {
		m := markOf(c.ID)
		byMark[m] = append(byMark[m], pageVerdict{c.ID, m, verdicts[c.ID].Reason})
	}
	var have []mark
	for _, m := range marks() {
		if len(byMark[m]) == 0 {
			continue
		}
		have = append(have, m)
		if m != markHeld && m != markUnjudged {
			v.Fired = append(v.Fired, byMark[m]...)
		}
	}
	v.Held = len(byMark[markHeld])
	v.Marks = slugs(have)
	v.Tone = map[string]string{stateCaught: "pass", "sound": "pass", stateSurvived: "fail", stateNotTried: "finding"}[v.State]
	if v.Tone == "" || v.State != stateSurvived && slices.Contains(have, markAlarm) {
		v.State, v.Tone = string(markAlarm), "error"
	}
}

// facts pairs names with values, without those that are empty.
func facts(namesAndValues ...string) (list []pageFact) {
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		if value := namesAndValues[i+1]; value != "" {
			list = append(list, pageFact{namesAndValues[i], value})
		}
	}
	return list
}

// slugs names marks to the filter, each once.
func slugs(have []mark) string {
	var names []string
	for _, m := range have {
		if slug := m.Slug(); !slices.Contains(names, slug) {
			names = append(names, slug)
		}
	}
	return strings.Join(names, " ")
}

// Summary says in a few words what the trial came to.
func (v pageTrial) Summary() string {
	counts := map[mark]int{}
	for _, fired := range v.Fired {
		counts[fired.Mark]++
	}
	var parts []string
	for _, m := range marks() {
		if counts[m] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[m], m))
		}
	}
	if v.Held > 0 {
		parts = append(parts, fmt.Sprintf("%d held", v.Held))
	}
	return strings.Join(parts, ", ")
}
