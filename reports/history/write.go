package history

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// Writer writes a history in one format.
type Writer struct {
	Name  string
	Write func(w io.Writer, h *History) error
}

// Formats lists the formats of a history.
func Formats() []Writer {
	return []Writer{{"text", writeText}, {"json", writeJSON}, {"markdown", writeMarkdown}, {"html", writePage}}
}

// Bounds of what is shown to people; JSON holds everything.
const (
	longestText = 300
	mostTargets = 3
	// mostRuns is how many runs a line of marks shows, the last ones.
	mostRuns = 60
)

func writeJSON(w io.Writer, h *History) error {
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(reports.EscapeInvisible(text), '\n'))
	return err
}

// letters stand for marks in a line of text.
var letters = map[string]string{"": " ", "pass": ".", "not-applicable": "-", "finding": "f", "fail": "F", "invalid": "I", "error": "E"}

const legend = ". pass, - not applicable, f finding, F fail, I invalid, E error, blank: not in the plan"

// Course is the line of marks of a control, a letter a run, of the last runs.
func (c Control) Course() string {
	var b strings.Builder
	for _, mark := range lastOf(c.Marks) {
		b.WriteString(letters[mark])
	}
	return b.String()
}

func lastOf[T any](list []T) []T { return list[max(0, len(list)-mostRuns):] }

// Says is what there is to say beside the marks.
func (c Control) Says() string {
	switch {
	case c.Trend == Flaky:
		return fmt.Sprintf("%d changes, back and forth on %s", c.Flips, someOf(c.FlakyTargets))
	case c.Since != "":
		return "since run " + c.Since
	default:
		return ""
	}
}

// Of returns the controls of a trend.
func (h *History) Of(trend Trend) (controls []Control) {
	for _, c := range h.Controls {
		if c.Trend == trend {
			controls = append(controls, c)
		}
	}
	return controls
}

// Headline says in a line what the series came to.
func (h *History) Headline() string {
	var parts []string
	for _, trend := range Trends() {
		if n := len(h.Of(trend)); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, trend))
		}
	}
	certified := 0
	for _, run := range h.Runs {
		if run.Outcome == reports.Certified {
			certified++
		}
	}
	return fmt.Sprintf("%d of %d runs certified; controls: %s", certified, len(h.Runs), strings.Join(parts, ", "))
}

func writeText(w io.Writer, h *History) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, notice := range h.Notices {
		line("NOTICE  %s", printable(notice))
	}
	for _, run := range lastOf(h.Runs) {
		line("%s  %-28s %7.1f s  %s", run.Started.UTC().Format("2006-01-02 15:04"), printable(run.ID), run.Seconds, printable(run.Headline))
	}
	for _, trend := range Trends() {
		controls := h.Of(trend)
		if len(controls) == 0 {
			continue
		}
		line("\n%s", strings.ToUpper(string(trend)))
		for _, c := range controls {
			line("  %s", strings.TrimRight(fmt.Sprintf("%-32s |%s|  %s", c.ID, c.Course(), printable(c.Says())), " "))
		}
	}
	line("\n%s", legend)
	line("%s", h.Headline())
	_, err := io.WriteString(w, b.String())
	return err
}

func writeMarkdown(w io.Writer, h *History) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s\n", reports.Prose(h.Headline()))
	for _, notice := range h.Notices {
		line("> **Notice:** %s\n", reports.Prose(notice))
	}
	line("| run | started | seconds | outcome |\n|---|---|---|---|")
	for _, run := range lastOf(h.Runs) {
		line("| %s | %s | %.1f | %s |", reports.Code(run.ID), run.Started.UTC().Format("2006-01-02 15:04"), run.Seconds, reports.Prose(run.Headline))
	}
	line("\n| trend | control | level | marks, oldest first | |\n|---|---|---|---|---|")
	for _, c := range h.Controls {
		line("| %s | %s | %s | %s | %s |", c.Trend, reports.Code(c.ID), c.Level, reports.Code(c.Course()), reports.Prose(c.Says()))
	}
	line("\nMarks: %s.", legend)
	_, err := io.WriteString(w, b.String())
	return err
}

//go:embed page.tmpl
var files embed.FS

var page = template.Must(template.New("page.tmpl").Funcs(template.FuncMap{"text": printable, "letter": func(mark string) string { return letters[mark] },
	"last": func(marks []string) []string { return lastOf(marks) }, "word": func(mark string) string {
		if mark == "" {
			return "not in the plan"
		}
		return strings.ReplaceAll(mark, "-", " ")
	}}).ParseFS(files, "page.tmpl"))

// writePage writes one file that needs nothing else and has no script.
func writePage(w io.Writer, h *History) error {
	return page.Execute(w, struct {
		*History
		reports.Frame
		Shown []Run
	}{h, reports.StaticFrame(), lastOf(h.Runs)})
}

func someOf(names []string) string {
	if len(names) <= mostTargets {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:mostTargets], ", "), len(names)-mostTargets)
}

func printable(text string) string { return judge.Printable(text, longestText) }
