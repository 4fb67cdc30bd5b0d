package reports

import (
	"encoding/json"
	"strconv"
	"strings"
)

// jsonWriter is what writes itself as JSON. It is for what a report holds a hundred
// thousand times: encoding/json finds its way by reflection, and indents by taking
// the text apart again. Whatever implements it writes what encoding/json would write.
type jsonWriter interface{ writeJSON(text *jsonText) }

// jsonText is JSON that is being written, on one line or indented as
// json.MarshalIndent does it.
type jsonText struct {
	text []byte
	// indented says that every field and entry has a line of its own, depth steps from
	// the left edge.
	indented bool
	depth    int
}

// object writes an object and what body puts into it.
func (t *jsonText) object(body func()) { t.nest('{', '}', body) }

// list writes a field that is a list, whose entries body writes.
func (t *jsonText) list(name string, body func()) {
	t.name(name)
	t.nest('[', ']', body)
}

func (t *jsonText) nest(open, end byte, body func()) {
	t.text = append(t.text, open)
	t.depth++
	body()
	t.depth--
	if t.text[len(t.text)-1] != open {
		t.line()
	}
	t.text = append(t.text, end)
}

// next stands before every field and every entry of a list.
func (t *jsonText) next() {
	if last := t.text[len(t.text)-1]; last != '{' && last != '[' {
		t.text = append(t.text, ',')
	}
	t.line()
}

func (t *jsonText) line() {
	if !t.indented {
		return
	}
	t.text = append(t.text, '\n')
	for range t.depth {
		t.text = append(t.text, "  "...)
	}
}

// name begins a field. Names are katacert's own and need no escapes.
func (t *jsonText) name(name string) {
	t.next()
	t.text = append(t.text, '"')
	t.text = append(t.text, name...)
	t.text = append(t.text, '"', ':')
	if t.indented {
		t.text = append(t.text, ' ')
	}
}

func (t *jsonText) field(name, value string) {
	t.name(name)
	t.string(value)
}

// some writes a field that is left out when it is empty.
func (t *jsonText) some(name, value string) {
	if value != "" {
		t.field(name, value)
	}
}

func (t *jsonText) flag(name string, value bool) {
	t.name(name)
	t.text = strconv.AppendBool(t.text, value)
}

func (t *jsonText) number(name string, value int64) {
	t.name(name)
	t.text = strconv.AppendInt(t.text, value, 10)
}

// strings writes a field that is a list of texts.
func (t *jsonText) strings(name string, values []string) {
	t.list(name, func() {
		for _, value := range values {
			t.next()
			t.string(value)
		}
	})
}

// string writes a text as encoding/json and EscapeInvisible do together. Nearly
// every text of a large report stands for itself.
func (t *jsonText) string(value string) {
	if !plainJSON(value) {
		quoted, _ := json.Marshal(value) // a string cannot fail
		t.text = append(t.text, EscapeInvisible(quoted)...)
		return
	}
	t.text = append(t.text, '"')
	t.text = append(t.text, value...)
	t.text = append(t.text, '"')
}

func plainJSON(value string) bool {
	for i := range len(value) {
		if !jsonPlain[value[i]] {
			return false
		}
	}
	return true
}

// jsonPlain marks the characters that stand for themselves: those of ASCII that show
// and that encoding/json does not escape.
var jsonPlain = func() (plain [256]bool) {
	for c := byte(' '); c <= '~'; c++ {
		plain[c] = !strings.ContainsRune(`"\<>&`, rune(c))
	}
	return plain
}()
