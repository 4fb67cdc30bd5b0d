package judge

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of the texts of a verdict, in characters. A pod under test has a part
// in most of them; evidence.jsonl keeps what it sent whole.
const (
	LongestReason  = 4000
	LongestReading = 2000
)

// Bounded returns the verdict with texts that are bounded and printable, whatever
// a pod sent. Every verdict goes through it, see catalogue.Control.Judge.
func (v Verdict) Bounded() Verdict {
	v.Reason = Printable(v.Reason, LongestReason)
	rows := make([]Comparison, len(v.Compared))
	for i, row := range v.Compared {
		row.Reading = Printable(row.Reading, LongestReading)
		row.Truth = Printable(row.Truth, LongestReading)
		row.Control = Printable(row.Control, LongestReading)
		row.Subject = Printable(row.Subject, LongestReading)
		rows[i] = row
	}
	if v.Compared != nil {
		v.Compared = rows
	}
	return v
}

// Printable makes text from a pod harmless to show. What would not show as
// itself (control and escape characters, bidirectional and zero-width ones)
// becomes visible as \x1b or \u202e, and the text ends after limit characters
// with a note of its whole size.
func Printable(text string, limit int) string {
	if len(text) <= limit && plainASCII(text) {
		return text
	}
	var b strings.Builder
	shown := 0
	for rest := text; rest != ""; shown++ {
		if shown == limit {
			fmt.Fprintf(&b, "… (%d bytes in all)", len(text))
			break
		}
		r, size := utf8.DecodeRuneInString(rest)
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		rest = rest[size:]
	}
	return b.String()
}

// plainASCII says whether text shows as itself. It is what nearly every text of
// a large run is, and costs no allocation.
func plainASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
