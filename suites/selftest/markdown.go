package selftest

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
)

// writeMarkdown writes the whole table as Markdown: controls by mutants.
func (r *Result) writeMarkdown(to io.Writer, all []catalogue.Control) error {
	w := bufio.NewWriter(to)
	outcome, causes := r.Outcome()
	fmt.Fprintf(w, "# Self-test of katacert %s\n\n%s, %d mutants, outcome: **%s**\n\n", r.Version, r.Started.Format(time.RFC3339), len(r.Trials), outcome)
	for _, cause := range causes {
		fmt.Fprintf(w, "- %s\n", reports.Prose(cause))
	}
	fmt.Fprintf(w, "\n| # | mutant | what is broken | how it is made |\n|---|---|---|---|\n")
	for i, t := range r.Trials {
		fmt.Fprintf(w, "| %d | %s | %s | %s |\n", i+1, t.Mutant, reports.Prose(t.Broken), reports.Prose(t.Means))
	}
	var legend []string
	for _, m := range marks() {
		if m.letter() != "" {
			legend = append(legend, m.cell()+" "+m.says())
		}
	}
	fmt.Fprintf(w, "\nColumn 0 is the sound set-up. %s.\n\n| control | shown | 0 |", strings.Join(legend, "; "))
	for i := range r.Trials {
		fmt.Fprintf(w, " %d |", i+1)
	}
	fmt.Fprintf(w, "\n|---|---|---|%s\n", strings.Repeat("---|", len(r.Trials)))
	for _, c := range all {
		fmt.Fprintf(w, "| %s | %s | %s |", c.ID, orNone(r.shownBy(c)), r.Sound.mark(c.ID).cell())
		for _, t := range r.Trials {
			fmt.Fprintf(w, " %s |", t.mark(c.ID).cell())
		}
		fmt.Fprintln(w)
	}
	r.recordings(w)
	return w.Flush()
}

// recordings writes what became of recorded evidence, of which the controls of the
// table above know nothing.
func (r *Result) recordings(w io.Writer) {
	if len(r.Recorded) == 0 {
		return
	}
	fmt.Fprintf(w, "\nEvidence that was recorded on other nodes and judged again here: as it was, and broken on purpose. It tries the judge and not the probes.\n\n"+
		"| trial | recording | what is broken | caught by | missed by | fired without cause |\n|---|---|---|---|---|---|\n")
	for _, t := range r.Recorded {
		broken := t.Broken
		if t.Trial == "" {
			broken = "nothing; the findings are what it leaves open as everybody gets it"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", t.Name(), reports.Prose(t.What), reports.Prose(broken), list(t.Caught), list(t.Missed), list(t.Alarms))
	}
}

// cell is the mark in a table of Markdown, where what matters most is bold.
func (m mark) cell() string {
	switch m {
	case markCaught, markMissed, markAlarm:
		return "**" + m.letter() + "**"
	default:
		return m.letter()
	}
}

func orNone(text string) string { return cmp.Or(text, "–") }
