package reports

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/katacert/katacert/suites/judge"
)

//go:embed html/*.tmpl
var htmlTemplates embed.FS

//go:embed html/style.css
var htmlStyle string

//go:embed html/filter.js
var htmlScript string

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

// writeHTML writes one file that needs nothing else. Its content security policy
// lets only the style and the script of katacert itself work, named by their
// hashes, so that evidence stays text even if it got past the escaping.
func writeHTML(w io.Writer, r *Report) error {
	p := newPage(r)
	p.Style = template.CSS(htmlStyle)  //nolint:gosec // our own file, no part of it from evidence
	p.Script = template.JS(htmlScript) //nolint:gosec // our own file, no part of it from evidence
	p.Policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", hashSource(htmlStyle), hashSource(htmlScript))
	return htmlPage.Execute(w, p)
}

// Style is the style sheet of katacert's pages, and the content security policy of a
// page that has it inline and nothing else.
func Style() (css template.CSS, policy string) {
	return template.CSS(htmlStyle), "default-src 'none'; style-src '" + hashSource(htmlStyle) + "'; base-uri 'none'; form-action 'none'" //nolint:gosec // our own file, no part of it from evidence
}

// hashSource names an inline script or style in a content security policy.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

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
