package terminal

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/katacert/katacert/suites/judge"
)

// color is an ANSI "select graphic rendition" sequence.
type color string

const (
	bold   color = "\x1b[1m"
	dim    color = "\x1b[2m"
	red    color = "\x1b[31m"
	green  color = "\x1b[32m"
	yellow color = "\x1b[33m"
	plain  color = "\x1b[0m"
)

func (t *table) paint(c color, text string) string {
	if !t.Color || text == "" {
		return text
	}
	return string(c) + text + string(plain)
}

// word is how a mark reads in a sentence.
func word(mark string) string { return strings.ReplaceAll(mark, "-", " ") }

// mark shows a mark, padded to one width. What needs somebody's eye is in
// capitals, so that it stands out without colour too.
func (t *table) mark(mark string) string {
	shown, c := strings.ToUpper(word(mark)), yellow
	switch judge.Result(mark) {
	case judge.Pass:
		shown, c = mark, green
	case judge.NotApplicable:
		shown, c = word(mark), dim
	case judge.Fail, judge.Error:
		c = red
	}
	return t.paint(c, shown) + strings.Repeat(" ", markWidth+2-len(shown))
}

// wrapped writes text after a prefix that takes indent columns, and indents the
// lines that follow by as much.
func (t *table) wrapped(prefix string, indent int, text string) {
	for _, line := range wrap(text, t.Width-indent) {
		t.line("%s%s", prefix, line)
		prefix = strings.Repeat(" ", indent)
	}
}

// wrap breaks text into lines of at most width columns, between words where it
// can.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, next := range strings.Fields(text) {
		if line != "" && runewidth.StringWidth(line)+1+runewidth.StringWidth(next) <= width {
			line += " " + next
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for runewidth.StringWidth(next) > width {
			head := runewidth.Truncate(next, width, "")
			lines, next = append(lines, head), next[len(head):]
		}
		line = next
	}
	return append(lines, line)
}

// cut shortens text to width columns.
func cut(text string, width int) string { return runewidth.Truncate(text, width, "…") }

// pad fills text up to width columns.
func pad(text string, width int) string { return runewidth.FillRight(text, width) }
