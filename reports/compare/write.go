package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/numbers"
)

// Writer writes a comparison in one format.
type Writer struct {
	Name  string
	Write func(w io.Writer, c *Comparison) error
}

// Formats lists the formats of a comparison.
func Formats() []Writer {
	return []Writer{{"text", writeText}, {"json", writeJSON}, {"markdown", writeMarkdown}, {"html", writePage}}
}

// Bounds of what is shown to people; JSON holds everything.
const (
	longestText = 400
	mostTargets = 3
	mostRows    = 200
)

func writeJSON(w io.Writer, c *Comparison) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(reports.EscapeInvisible(text), '\n'))
	return err
}

func writeText(w io.Writer, c *Comparison) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("before  %s", c.Before.line())
	line("after   %s", c.After.line())
	for _, notice := range c.Notices {
		line("NOTICE  %s", printable(notice))
	}
	for _, kind := range Kinds() {
		changes := c.Of(kind)
		if len(changes) == 0 {
			continue
		}
		line("\n%s", strings.ToUpper(string(kind)))
		for _, change := range changes[:min(len(changes), mostRows)] {
			line("  %-15s %-32s %s on %s", change.Level, change.Control, change.marks(), printable(someOf(change.Targets)))
			if change.Reason != "" && kind != Appeared {
				line("    now     %s", printable(change.Reason))
			}
			if change.WasReason != "" && kind != Vanished {
				line("    before  %s", printable(change.WasReason))
			}
			if change.OnFail != "" {
				line("    mend    %s", printable(change.OnFail))
			}
		}
		if more := len(changes) - mostRows; more > 0 {
			line("  and %d more: see the comparison as JSON", more)
		}
	}
	if len(c.Settings) > 0 {
		line("\nCHANGED BETWEEN THE RUNS")
		for _, s := range c.Settings[:min(len(c.Settings), mostRows)] {
			line("  %-32s %s -> %s%s", printable(s.What), orNone(printable(s.Before)), orNone(printable(s.After)), printable(s.where(c)))
		}
	}
	if len(c.Shifts) > 0 {
		line("\nBEYOND THE NOISE OF THE RUNS")
		for _, s := range c.Shifts {
			line("  %-8s %-44s %s", s.word(), printable(s.What), s.figures())
		}
	}
	line("\n%s; %s the same", c.Headline(), numbers.Plural(c.Same, "verdict"))
	for _, because := range c.Because {
		line("  %s", because)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeMarkdown(w io.Writer, c *Comparison) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s\n", reports.Prose(c.Headline()))
	for _, because := range c.Because {
		line("%s", reports.Prose(because))
	}
	line("\n| | run | started | katacert | outcome |\n|---|---|---|---|---|")
	for _, s := range []struct {
		name string
		side Side
	}{{"before", c.Before}, {"after", c.After}} {
		line("| %s | %s | %s | %s | %s |", s.name, reports.Code(s.side.Run), s.side.Started.UTC().Format("2006-01-02 15:04:05 UTC"), reports.Code(s.side.Version), reports.Prose(s.side.Headline))
	}
	line("")
	for _, notice := range c.Notices {
		line("> **Notice:** %s\n", reports.Prose(notice))
	}
	for _, kind := range Kinds() {
		changes := c.Of(kind)
		if len(changes) == 0 {
			continue
		}
		line("## %s\n\n| control | level | before | after | targets | reason |\n|---|---|---|---|---|---|", kind.title())
		for _, change := range changes[:min(len(changes), mostRows)] {
			line("| %s | %s | %s | %s | %s | %s |", reports.Code(change.Control), change.Level, orNone(change.Before), orNone(change.After),
				reports.Code(someOf(change.Targets)), reports.Prose(change.latest()))
		}
		if more := len(changes) - mostRows; more > 0 {
			line("\n%d more are in the comparison as JSON.", more)
		}
		line("")
	}
	if len(c.Settings) > 0 {
		line("## Changed between the runs\n\n| what | before | after | targets |\n|---|---|---|---|")
		for _, s := range c.Settings[:min(len(c.Settings), mostRows)] {
			line("| %s | %s | %s | %s |", reports.Prose(s.What), reports.Code(s.Before), reports.Code(s.After), reports.Code(someOf(s.Targets)))
		}
		line("")
	}
	if len(c.Shifts) > 0 {
		line("## Beyond the noise of the runs\n\n| | what | before | after | noise |\n|---|---|---|---|---|")
		for _, s := range c.Shifts {
			line("| %s | %s | %s | %s | ± %s |", s.word(), reports.Prose(s.What), s.value(s.Before), s.value(s.After), s.value(s.Noise))
		}
		line("")
	}
	line("%s the same.", numbers.Plural(c.Same, "verdict"))
	_, err := io.WriteString(w, b.String())
	return err
}
