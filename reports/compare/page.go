package compare

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/numbers"
)

//go:embed page.tmpl
var pageText string

var page = template.Must(template.New("comparison").Funcs(template.FuncMap{
	"text":   printable,
	"none":   orNone,
	"some":   someOf,
	"plural": numbers.Plural,
}).Parse(pageText))

// section is the changes of one kind, as the page shows them.
type section struct {
	Title   string
	Kind    Kind
	Changes []pageChange
	More    int
}

type pageChange struct {
	Change
	Latest string
}

type pageShift struct{ Word, What, Before, After, Noise string }

// writePage writes one file that needs nothing else and has no script: what a pod
// sent stays text even if it got past the escaping.
func writePage(w io.Writer, c *Comparison) error {
	view := struct {
		*Comparison
		reports.Frame
		Sections []section
		Settings []Setting
		More     int
		Shifts   []pageShift
		Sides    []struct {
			Name string
			Side
		}
	}{Comparison: c, Frame: reports.StaticFrame(), Settings: c.Settings[:min(len(c.Settings), mostRows)]}
	view.More = len(c.Settings) - len(view.Settings)
	for _, kind := range Kinds() {
		changes := c.Of(kind)
		if len(changes) == 0 {
			continue
		}
		shown := section{Title: kind.title(), Kind: kind, More: max(0, len(changes)-mostRows)}
		for _, change := range changes[:min(len(changes), mostRows)] {
			shown.Changes = append(shown.Changes, pageChange{change, change.latest()})
		}
		view.Sections = append(view.Sections, shown)
	}
	for _, s := range c.Shifts {
		view.Shifts = append(view.Shifts, pageShift{s.word(), s.What, s.value(s.Before), s.value(s.After), "± " + s.value(s.Noise)})
	}
	for i, side := range []Side{c.Before, c.After} {
		view.Sides = append(view.Sides, struct {
			Name string
			Side
		}{[]string{"before", "after"}[i], side})
	}
	return page.Execute(w, view)
}
