package reports

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
)

//go:embed html/style.css
var htmlStyle string

//go:embed html/filter.js
var htmlScript string

// Frame is what katacert's pages have inline, and a content security policy that lets
// nothing else work: evidence stays text even if it got past the escaping.
type Frame struct {
	Style  template.CSS
	Script template.JS
	Policy string
}

// StaticFrame is that of a page without a script.
func StaticFrame() Frame { return frame("") }

// FilteredFrame is that of a page whose script filters what has the attribute
// data-marks by the form of class filter, opens the details that a link leads to, and
// prints them all.
func FilteredFrame() Frame { return frame(htmlScript) }

func frame(script string) Frame {
	f := Frame{Style: template.CSS(htmlStyle), Script: template.JS(script)} //nolint:gosec // our own files, no part of them from evidence
	f.Policy = "default-src 'none'; style-src '" + hashSource(htmlStyle) + "'; "
	if script != "" {
		f.Policy += "script-src '" + hashSource(script) + "'; "
	}
	f.Policy += "base-uri 'none'; form-action 'none'"
	return f
}

// hashSource names an inline script or style in a content security policy.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
