// Package terminal shows a run to the person who started it: progress while it
// lasts and the verdicts at its end.
package terminal

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// Options say how Table shows a report.
type Options struct {
	// Color uses ANSI colours; for terminals only.
	Color bool
	// Width is the width to fill, in columns; 100 when zero, never less than 60.
	Width int
	// Files are the paths of the written reports, named at the end.
	Files []string
}

const (
	defaultWidth, leastWidth = 100, 60
	// markWidth is the width of the longest mark, "not applicable".
	markWidth = 14
	// mostDetails is how many verdicts are shown with their readings; the reports
	// hold the others.
	mostDetails = 50
	// mostQuiet is how many targets on which nothing failed get a line.
	mostQuiet = 20
	// mostAdvice is how many things to do are listed.
	mostAdvice = 6
	// mostNamed is up to how many targets have everything listed by name.
	mostNamed = 4
)

type table struct {
	*bufio.Writer
	Options
	details, unshown int
}

// Table writes the verdicts by target, worst first and passes in one line, then
// the counts, the outcome in words and where the reports are.
func Table(w io.Writer, r *reports.Report, o Options) error {
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	o.Width = max(o.Width, leastWidth)
	t := &table{Writer: bufio.NewWriter(w), Options: o}
	for _, notice := range r.Notices {
		t.wrapped(t.paint(yellow, "notice")+"  ", len("notice")+2, judge.Printable(notice, 1000))
	}
	t.sheets(r.Sheets())
	t.advice(r.Advice())
	t.end(r)
	return t.Flush()
}

func (t *table) line(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) }

func (t *table) advice(all []reports.Advice) {
	if len(all) == 0 {
		return
	}
	t.line("\n%s", t.paint(bold, "what to do"))
	for _, advice := range all[:min(len(all), mostAdvice)] {
		names := advice.Controls[0]
		if more := len(advice.Controls) - 1; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		t.wrapped("  ", 2, judge.Printable(fmt.Sprintf("%s (%s)", advice.Text, names), 600))
	}
	if more := len(all) - mostAdvice; more > 0 {
		t.line("  … %d more in the reports", more)
	}
}

// describe names what ran the target's pods, in one line.
func describe(target reports.Target) string {
	digest := target.Runtime.Digest
	if len(digest) > 12 {
		digest = digest[:12] + "…"
	}
	if digest != "" {
		digest = "sha256 " + digest
	}
	parts := []string{target.Runtime.Shim, string(target.Runtime.Kind), digest, "node " + target.Node.Name, target.Node.Kernel, target.Node.Cgroups(), target.Node.ContainerRuntime}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" || part == "node " })
	return judge.Printable(strings.Join(parts, " · "), 400)
}

func (t *table) end(r *reports.Report) {
	var counts []string
	for _, result := range judge.Results() {
		counts = append(counts, fmt.Sprintf("%d %s", r.Summary.Counts[result], word(string(result))))
	}
	t.line("")
	t.wrapped("", 0, scope(r)+": "+strings.Join(counts, ", "))
	for _, left := range r.Leftovers {
		t.wrapped(t.paint(red, "left behind")+"  ", len("left behind")+2, judge.Printable(left, 400))
	}
	color := map[reports.Outcome]color{reports.Certified: green, reports.NotCertified: red}[r.Outcome]
	if color == "" {
		color = yellow
	}
	for _, line := range wrap(r.Headline(), t.Width) {
		t.line("%s", t.paint(bold+color, line))
	}
	if label, text := r.Cause(); label != "" {
		label = strings.ToLower(label)
		t.wrapped(label+"  ", len(label)+2, judge.Printable(text, 1000))
	}
	for i, file := range t.Files {
		label := "reports  "
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		t.line("%s%s", label, file)
	}
}

func scope(r *reports.Report) string {
	return fmt.Sprintf("%s × %s", count(len(r.Controls), "control"), count(len(r.Targets), "target"))
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
