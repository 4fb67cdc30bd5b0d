package reports

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Longest texts that the formats for people show, in characters. report.json
// keeps every text whole.
const (
	longestCell   = 400
	longestReason = 1000
)

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
func plainASCII[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// plural is "1 control", "2 controls".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
