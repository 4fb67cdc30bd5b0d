package terminal

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

const (
	// mostReadings is how many readings of one verdict are shown.
	mostReadings = 4
	// mostLines is how many lines one reading may take.
	mostLines = 3
	// widestName bounds the column of names.
	widestName = 18
	noteWidth  = 9
)

// readings shows what decided a verdict side by side: the truth, and what the
// subject saw of it. For an invalid verdict it is the control vantage that
// should have seen it.
func (t *table) readings(row reports.Row) {
	compared := row.Verdict.Compared
	if len(compared) == 0 {
		return
	}
	more := len(compared) - mostReadings
	compared = compared[:min(len(compared), mostReadings)]
	truth, control, seer := row.Control.Columns()
	invalid := row.Verdict.Result == judge.Invalid
	if invalid {
		seer = control
	}
	names := len("reading")
	for _, c := range compared {
		names = max(names, min(runewidth.StringWidth(judge.Printable(c.Reading, widestName)), widestName))
	}
	const indent = "    "
	each := (t.Width - len(indent) - names - 4 - 2 - noteWidth) / 2
	put := func(name, left, right, note string) {
		lefts, rights := column(left, each), column(right, each)
		for i := range max(len(lefts), len(rights)) {
			line := indent + pad(cut(at([]string{name}, i), names), names) + "  " + pad(at(lefts, i), each) + "  " + pad(at(rights, i), each) + "  " + at([]string{note}, i)
			t.line("%s", strings.TrimRight(line, " "))
		}
	}
	put("reading", truth, seer, "")
	for _, c := range compared {
		seen := c.Subject
		if invalid {
			seen = c.Control
		}
		put(judge.Printable(c.Reading, widestName), c.Truth, seen, reports.Note(c))
	}
	if more > 0 {
		t.line("%s… %d more readings in the reports", indent, more)
	}
}

// column wraps a reading into a column of the given width.
func column(text string, width int) []string {
	lines := wrap(judge.Printable(text, 400), width)
	if len(lines) > mostLines {
		last := cut(strings.TrimSuffix(lines[mostLines-1], "…"), width-1) // room for the mark
		lines = append(lines[:mostLines-1], strings.TrimSuffix(last, "…")+"…")
	}
	return lines
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
