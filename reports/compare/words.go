package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/katacert/katacert/suites/judge"
)

func (s Side) line() string {
	return fmt.Sprintf("%s  %s  katacert %s  %s", printable(s.Run), s.Started.UTC().Format("2006-01-02 15:04:05 UTC"), printable(s.Version), printable(s.Headline))
}

// marks is what became of the verdict, for example "pass -> fail".
func (c Change) marks() string { return orNone(c.Before) + " -> " + orNone(c.After) }

// latest is the reason of the verdict as far as there is one.
func (c Change) latest() string {
	if c.After == "" {
		return c.WasReason
	}
	return c.Reason
}

func (k Kind) title() string { return strings.ToUpper(string(k[:1])) + string(k[1:]) }

// where names the targets of a setting, where not all have it.
func (s Setting) where(c *Comparison) string {
	if len(s.Targets) == 0 || len(s.Targets) == c.After.Targets {
		return ""
	}
	return " on " + someOf(s.Targets)
}

func (s Shift) word() string {
	if s.Worse {
		return "worse"
	}
	return "better"
}

func (s Shift) value(v float64) string {
	return number(v) + " " + s.Unit
}

func (s Shift) figures() string {
	text := fmt.Sprintf("%s -> %s", s.value(s.Before), s.value(s.After))
	if s.Before != 0 {
		text += fmt.Sprintf(" (%+.0f %%)", 100*(s.After-s.Before)/math.Abs(s.Before))
	}
	return text + ", noise " + s.value(s.Noise)
}

// number has three digits that count.
func number(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

func someOf(names []string) string {
	if len(names) <= mostTargets {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:mostTargets], ", "), len(names)-mostTargets)
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func printable(text string) string { return judge.Printable(text, longestText) }
