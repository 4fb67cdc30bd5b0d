package reports

import (
	"bytes"
	"encoding/xml"
)

// xmlText is XML that is being written, indented. encoding/xml takes every element by
// reflection, which costs most of the time of a large report.
type xmlText struct {
	text bytes.Buffer
	open []string
	// inside says that an element was closed last, so that the next end tag has a line
	// of its own.
	inside bool
	begun  bool
}

// begin opens an element. Attributes are names and values in turn.
func (t *xmlText) begin(name string, attributes ...string) {
	t.line()
	t.text.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		t.text.WriteString(" " + attributes[i] + `="`)
		t.escaped(attributes[i+1])
		t.text.WriteByte('"')
	}
	t.text.WriteByte('>')
	t.open = append(t.open, name)
	t.inside = false
}

// end closes the element that was opened last.
func (t *xmlText) end() {
	last := len(t.open) - 1
	name := t.open[last]
	t.open = t.open[:last]
	if t.inside {
		t.line()
	}
	t.text.WriteString("</" + name + ">")
	t.inside = true
}

// element writes an element that holds a text alone.
func (t *xmlText) element(name, value string, attributes ...string) {
	t.begin(name, attributes...)
	t.escaped(value)
	t.end()
}

func (t *xmlText) line() {
	if t.begun {
		t.text.WriteByte('\n')
	}
	t.begun = true
	for range t.open {
		t.text.WriteString("  ")
	}
}

// escaped writes a text as xml.EscapeText does. Nearly every text of a large report
// is of ASCII.
func (t *xmlText) escaped(value string) {
	for i := range len(value) {
		if c := value[i]; c > '~' || c < ' ' && c != '\n' {
			_ = xml.EscapeText(&t.text, []byte(value)) // a buffer takes all
			return
		}
	}
	written := 0
	for i := range len(value) {
		if escape := xmlEscapes[value[i]]; escape != "" {
			t.text.WriteString(value[written:i])
			t.text.WriteString(escape)
			written = i + 1
		}
	}
	t.text.WriteString(value[written:])
}

// xmlEscapes are what xml.EscapeText writes for a character of ASCII; empty where it
// stands for itself.
var xmlEscapes = [256]string{'\n': "&#xA;", '"': "&#34;", '\'': "&#39;", '<': "&lt;", '>': "&gt;", '&': "&amp;"}
