package reports

import (
	"embed"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/katacert/katacert/suites/judge"
)

//go:embed html/*.tmpl
var htmlTemplates embed.FS

// mostReadings is how many readings of one verdict the page shows.
const mostReadings = 24

var htmlPage = template.Must(template.New("page.tmpl").Funcs(template.FuncMap{
	"text":   func(s string) string { return judge.Printable(s, longestReason) },
	"cell":   func(s string) string { return judge.Printable(s, longestCell) },
	"brief":  func(s string) string { return judge.Printable(s, longestBrief) },
	"word":   func(mark string) string { return strings.ReplaceAll(mark, "-", " ") },
	"kind":   kindInWords,
	"heads":  columnHeads,
	"shown":  func(rows []judge.Comparison) []judge.Comparison { return rows[:min(len(rows), mostReadings)] },
	"hidden": func(rows []judge.Comparison) int { return max(0, len(rows)-mostReadings) },
}).ParseFS(htmlTemplates, "html/*.tmpl"))

// writeHTML writes one file that needs nothing else.
func writeHTML(w io.Writer, r *Report) error { return htmlPage.Execute(w, newPage(r)) }

type heads struct{ Truth, Control, Subject string }

// columnHeads names the columns of a verdict's readings; Control is empty where
// no control vantage took part.
func columnHeads(row Row) (h heads) {
	h.Truth, h.Control, h.Subject = row.Control.Columns()
	if !slices.ContainsFunc(row.Verdict.Compared, func(c judge.Comparison) bool { return c.Control != "" }) {
		h.Control = ""
	}
	return h
}

func kindInWords(k judge.Kind) string {
	switch k {
	case judge.KindNone:
		return "plain container"
	case judge.KindVM:
		return "virtual machine"
	case judge.KindUserKernel:
		return "kernel in user space"
	default:
		return "unknown kind"
	}
}
