package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Bounds of the page, so that it opens at once for a run of any size. What is
// left out is said on the page.
const (
	longestBrief = 240
	// mostColumns is up to how many targets have a column each.
	mostColumns   = 6
	mostPlatforms = 40
	mostFailed    = 40
	mostReasons   = 300
	mostPhases    = 60
	// mostShown is how many verdicts are shown with their readings, over all
	// controls.
	mostShown = 2000
	// leastShown is how many of those every control has.
	leastShown = 4
)

// page is what the templates see.
type page struct {
	*Report
	Frame

	Sheets   []Sheet
	Tally    []share
	Facts    []fact
	Groups   []group
	ByTarget []targetLine
	Phases   []phase
	Courses  []courseChart
	Measured []measured

	Platforms []Platform
	Failed    []Row
	Advice    []Advice
	Unproven  []reason

	MorePlatforms, MoreFailed, MoreUnproven, MorePhases, MoreFigures int
}

type (
	fact  struct{ Name, Value string }
	count struct {
		Mark string
		N    int
	}
	// share is a count and its part of a bar that is 100 wide.
	share struct {
		count
		X, Width string
	}
	group struct {
		Name     string
		Controls []controlView
	}
	controlView struct {
		Control
		// Marks lists the marks among the verdicts, for the filter.
		Marks, Worst string
		Counts       []count
		// Cells holds the verdicts by target, Shows those with their readings.
		Cells, Shows []Row
		More         int
	}
	targetLine struct {
		ID, Marks, Worst string
		Counts           []count
	}
	phase struct{ Phase, Target, Took, X, Width string }
)

func newPage(r *Report) *page {
	p := &page{Report: r, Frame: FilteredFrame(), Sheets: r.Sheets()}
	var order []string
	byControl := map[string][]Row{}
	total := map[string]int{}
	for _, sheet := range p.Sheets {
		for _, row := range sheet.Rows {
			if byControl[row.Control.ID] == nil {
				order = append(order, row.Control.ID)
			}
			byControl[row.Control.ID] = append(byControl[row.Control.ID], row)
			total[row.Mark()]++
		}
	}
	p.tally(total)
	p.facts()
	p.lists()
	for _, id := range order {
		p.control(byControl[id], max(leastShown, mostShown/len(order)))
	}
	if p.Wide() {
		for _, sheet := range p.Sheets {
			p.ByTarget = append(p.ByTarget, p.line(sheet))
		}
	}
	p.phases()
	p.figures()
	return p
}

// Wide says that there are too many targets for a column each.
func (p *page) Wide() bool { return len(p.Sheets) > mostColumns }

// Single says that there is one target, and so room for reasons.
func (p *page) Single() bool { return len(p.Sheets) == 1 }

// Columns is how many columns the matrix has.
func (p *page) Columns() int {
	switch {
	case p.Wide():
		return 1 + len(p.Tally)
	case p.Single():
		return 3
	default:
		return 1 + len(p.Sheets)
	}
}

// Alarms are what a reader must know before anything else.
func (p *page) Alarms() (alarms []fact) {
	if label, text := p.Cause(); label != "" {
		alarms = append(alarms, fact{label, text})
	}
	for _, left := range p.Leftovers {
		alarms = append(alarms, fact{"Left behind", left})
	}
	return alarms
}

// Claim says in a sentence or two what the headline is about.
func (p *page) Claim() string {
	claim := fmt.Sprintf("%s of the %s profile on %s. ", numbers.Plural(len(p.Controls), "control"), p.Run.Profile, numbers.Plural(len(p.Targets), "target"))
	if p.Run.Require == catalogue.Hardening {
		return claim + "Any fail takes the certificate."
	}
	return claim + "Any fail at level isolation takes the certificate; a fail at level hardening is a finding."
}

func (p *page) tally(total map[string]int) {
	all := 0
	for _, n := range total {
		all += n
	}
	x := 0.0
	for _, mark := range Marks() {
		if n := total[mark]; n > 0 {
			width := 100 * float64(n) / float64(all)
			p.Tally = append(p.Tally, share{count{mark, n}, fmt.Sprintf("%.3f", x), fmt.Sprintf("%.3f", width)})
			x += width
		}
	}
}

func (p *page) facts() {
	run, cluster := p.Run, p.Cluster
	for _, f := range []fact{
		{"Cluster", cluster.Name}, {"Provider", cluster.Provider}, {"API server", cluster.Server}, {"Kubernetes", cluster.Kubernetes},
		{"Profile", string(run.Profile)}, {"Required level", string(run.Require)},
		{"Run", run.ID}, {"Started", run.Started.UTC().Format("2006-01-02 15:04:05 UTC")}, {"Took", short(run.Finished.Sub(run.Started))},
		{"Tool", strings.TrimSpace(run.Tool + " " + run.Version)},
	} {
		if f.Value != "" {
			p.Facts = append(p.Facts, f)
		}
	}
	all := p.Report.Platforms()
	p.Platforms = all[:min(len(all), mostPlatforms)]
	p.MorePlatforms = len(all) - len(p.Platforms)
}

// lists gathers what a reader must see first, worst first.
func (p *page) lists() {
	failed := failedRows(p.Sheets)
	p.Advice = advise(failed)
	p.Failed = failed[:min(len(failed), mostFailed)]
	p.MoreFailed = len(failed) - len(p.Failed)
	all := notProven(p.Sheets)
	p.Unproven = all[:min(len(all), mostReasons)]
	p.MoreUnproven = len(all) - len(p.Unproven)
}

// control adds one control with its verdicts, of which at most limit are shown
// with their readings.
func (p *page) control(rows []Row, limit int) {
	v := controlView{Control: *rows[0].Control, Cells: rows}
	v.Counts, v.Marks, v.Worst = p.countMarks(rows)
	worst, _ := Sheet{Rows: rows}.Worst()
	for _, row := range rows {
		if row.Verdict.Result == judge.Pass {
			worst = append(worst, row)
		}
	}
	v.Shows = worst[:min(len(worst), limit)]
	v.More = len(worst) - len(v.Shows)
	name := string(v.Group)
	if n := len(p.Groups); n == 0 || p.Groups[n-1].Name != name {
		p.Groups = append(p.Groups, group{Name: name})
	}
	last := &p.Groups[len(p.Groups)-1]
	last.Controls = append(last.Controls, v)
}

func (p *page) line(sheet Sheet) targetLine {
	l := targetLine{ID: sheet.Target.ID}
	l.Counts, l.Marks, _ = p.countMarks(sheet.Rows)
	rows, _ := sheet.Worst()
	const most = 6
	var names []string
	for _, row := range rows[:min(len(rows), most)] {
		names = append(names, row.Control.ID)
	}
	l.Worst = strings.Join(names, ", ")
	if len(rows) > most {
		l.Worst += fmt.Sprintf(" and %d more", len(rows)-most)
	}
	return l
}

// countMarks counts the marks of rows, in the order of the tally.
func (p *page) countMarks(rows []Row) (counts []count, marks, worst string) {
	n := map[string]int{}
	for _, row := range rows {
		n[row.Mark()]++
	}
	var have []string
	for _, share := range p.Tally {
		counts = append(counts, count{share.Mark, n[share.Mark]})
		if n[share.Mark] > 0 {
			have = append(have, share.Mark)
		}
	}
	return counts, strings.Join(have, " "), have[0]
}

// phases lays the timings out on the span of the run.
func (p *page) phases() {
	timings := p.Timings[:min(len(p.Timings), mostPhases)]
	p.MorePhases = len(p.Timings) - len(timings)
	if len(timings) == 0 {
		return
	}
	from, to := timings[0].Started, timings[0].Started
	for _, t := range timings {
		if t.Started.Before(from) {
			from = t.Started
		}
		if end := t.Started.Add(t.Duration); end.After(to) {
			to = end
		}
	}
	span := max(to.Sub(from), time.Millisecond)
	percent := func(d time.Duration) float64 { return 100 * float64(d) / float64(span) }
	for _, t := range timings {
		p.Phases = append(p.Phases, phase{Phase: t.Phase, Target: t.Target, Took: short(t.Duration),
			X: fmt.Sprintf("%.2f", percent(t.Started.Sub(from))), Width: fmt.Sprintf("%.2f", max(percent(t.Duration), 0.4))})
	}
}

// short shows a duration to the tenth of a second, or to the millisecond below
// one second.
func short(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
