package reports

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/judge"
)

// Bounds of the summary, which CI systems cut off at one megabyte.
const (
	// summaryDetails is how many fails and findings are shown with readings.
	summaryDetails = 40
	// summaryLines is how many lines a list may have.
	summaryLines = 200
	// summaryColumns is up to how many targets the table has a column each.
	summaryColumns = 4
	// summaryCell bounds a reading, in characters.
	summaryCell = 160
)

// summary writes Markdown in the GitHub dialect and remembers the first error
// in its bufio.Writer.
type summary struct {
	*bufio.Writer
	r      *Report
	sheets []Sheet
}

func writeMarkdown(w io.Writer, r *Report) error {
	s := summary{Writer: bufio.NewWriter(w), r: r, sheets: r.Sheets()}
	s.head()
	s.scope()
	s.fails()
	s.unproven()
	s.table()
	s.rest()
	return s.Flush()
}

func (s summary) line(format string, args ...any) { _, _ = fmt.Fprintf(s, format+"\n", args...) }

func (s summary) head() {
	run := s.r.Run
	s.line("# %s\n", Prose(s.r.Headline()))
	s.line("%s, run %s, profile %s, %s required, %s, %s.\n", Prose(run.Tool+" "+run.Version), Code(run.ID), run.Profile, run.Require,
		run.Started.UTC().Format("2006-01-02 15:04:05 UTC"), run.Finished.Sub(run.Started).Round(100*time.Millisecond))
	if label, text := s.r.Cause(); label != "" {
		s.line("> **%s:** %s\n", label, Prose(text))
	}
	for _, notice := range s.r.Notices {
		s.line("> **Notice:** %s\n", Prose(notice))
	}
	for _, left := range s.r.Leftovers {
		s.line("> **Left behind:** %s\n", Prose(left))
	}
	var counts []string
	for _, result := range judge.Results() {
		if n := s.r.Summary.Counts[result]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, result))
		}
	}
	s.line("%s on %s: %s.\n", numbers.Plural(len(s.r.Controls), "control"), numbers.Plural(len(s.r.Targets), "target"), strings.Join(counts, ", "))
}

func (s summary) scope() {
	s.line("## What was certified\n")
	s.line("Cluster %s (%s), Kubernetes %s.\n", Code(s.r.Cluster.Name), Prose(s.r.Cluster.Provider), Code(s.r.Cluster.Kubernetes))
	s.line("| target | RuntimeClass | handler | runtime | shim | kernel | container runtime |\n|---|---|---|---|---|---|---|")
	for i, p := range s.r.Platforms() {
		if i == summaryLines {
			s.line("\nMore kinds of targets are in report.json.")
			break
		}
		s.line("| %s | %s | %s | %s | %s | %s | %s |", Code(p.Name()), Code(p.RuntimeClass), Code(p.Handler), Code(string(p.Runtime.Kind)),
			Code(strings.TrimSpace(p.Runtime.Shim+" "+p.Runtime.Digest)), Code(strings.TrimSpace(p.Node.Kernel+" "+p.Node.Cgroups())), Code(p.Node.ContainerRuntime))
	}
	s.line("")
	for i, p := range s.r.Platforms() {
		if i == summaryLines {
			break
		}
		if versions := p.Versions(); versions != "" {
			s.line("Kata Containers on %s: %s.\n", Code(p.Name()), Prose(versions))
		}
	}
}

// fails shows what to do about the fails and findings, then each with its
// readings side by side.
func (s summary) fails() {
	rows := failedRows(s.sheets)
	if advice := advise(rows); len(advice) > 0 {
		s.line("## What to do\n")
		for _, a := range advice {
			s.line("- %s (%s)", Prose(a.Text), Code(firstFew(a.Controls)))
		}
		s.line("")
	}
	title := ""
	for _, row := range rows[:min(len(rows), summaryDetails)] {
		section := "Failed"
		if row.Finding {
			section = "Findings"
		}
		if section != title {
			title = section
			s.line("## %s\n", title)
		}
		s.detail(row)
	}
	if more := len(rows) - summaryDetails; more > 0 {
		s.line("%d more are in report.html and report.json.\n", more)
	}
}

func (s summary) detail(row Row) {
	s.line("### %s on %s\n", Code(row.Control.ID), Code(row.Verdict.Target))
	s.line("%s: %s.\n", Prose(row.Control.Title), Prose(row.Verdict.Reason))
	if len(row.Verdict.Compared) > 0 {
		truth, control, subject := row.Control.Columns()
		s.line("| reading | %s | %s | %s | |\n|---|---|---|---|---|", Prose(truth), Prose(control), Prose(subject))
		for _, c := range row.Verdict.Compared {
			s.line("| %s | %s | %s | %s | %s |", Code(c.Reading), Code(c.Truth), Code(c.Control), Code(c.Subject), Note(c))
		}
		s.line("")
	}
}

func (s summary) unproven() {
	reasons := notProven(s.sheets)
	if len(reasons) == 0 && len(s.r.Skipped) == 0 {
		return
	}
	s.line("## Not proven\n")
	if len(reasons) > 0 {
		s.line("| verdict | control | targets | reason |\n|---|---|---|---|")
		for _, reason := range reasons[:min(len(reasons), summaryLines)] {
			s.line("| %s | %s | %s | %s |", reason.Mark(), Code(reason.Control.ID), Code(reason.Targets()), Prose(reason.Verdict.Reason))
		}
		s.line("")
	}
	if more := len(reasons) - summaryLines; more > 0 {
		s.line("%d more are in report.html and report.json.\n", more)
	}
	for _, skip := range s.r.Skipped {
		s.line("- Left out: %s: %s", Prose(skip.What), Prose(skip.Why))
	}
	s.line("")
}

// table shows every verdict, or the counts per control when there are too many
// targets for columns.
func (s summary) table() {
	s.line("## All verdicts\n")
	marks := map[string][]string{}
	var ids []string
	for _, sheet := range s.sheets {
		for _, row := range sheet.Rows {
			if marks[row.Control.ID] == nil {
				ids = append(ids, row.Control.ID)
			}
			marks[row.Control.ID] = append(marks[row.Control.ID], row.Mark())
		}
	}
	heads := Marks()
	if len(s.sheets) <= summaryColumns {
		heads = nil
		for _, sheet := range s.sheets {
			heads = append(heads, Code(sheet.Target.ID))
		}
	}
	s.line("| control | %s |\n|---|%s", strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
	for _, id := range ids {
		cells := marks[id]
		if len(s.sheets) > summaryColumns {
			cells = tally(heads, cells)
		}
		s.line("| %s | %s |", Code(id), strings.Join(cells, " | "))
	}
	s.line("")
}

func tally(heads, marks []string) []string {
	count := map[string]int{}
	for _, mark := range marks {
		count[mark]++
	}
	cells := make([]string, len(heads))
	for i, head := range heads {
		cells[i] = fmt.Sprint(count[head])
	}
	return cells
}

func (s summary) rest() {
	if len(s.r.Images) == 0 {
		return
	}
	s.line("## Images\n")
	for _, image := range s.r.Images {
		s.line("- %s %s", Code(image.Ref), Code(image.Digest))
	}
}

// Code shows a value as a code span, in which Markdown, HTML, mentions and
// links are dead. Only the characters that could end the span or the cell are
// left to deal with.
func Code(value string) string {
	if value == "" {
		return "–"
	}
	return "`" + codeText.Replace(judge.Printable(value, summaryCell)) + "`"
}

var codeText = strings.NewReplacer("`", `\x60`, "|", `\x7c`)

// Prose shows a sentence in which a pod may have had a part. A zero-width space
// keeps @ and # from becoming mentions.
func Prose(sentence string) string {
	return markdownText.Replace(judge.Printable(sentence, longestReason))
}

var markdownText = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "~", `\~`, "$", `\$`, "://", `\://`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;", "|", "&#124;", "!", `\!`, "@", "@&#8203;", "#", "#&#8203;", "www.", `www\.`)
