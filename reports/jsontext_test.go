package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"reflect"
	"testing"
	"unicode/utf8"
)

// What writes itself must write what encoding/json writes, with every field that its
// type has: a field that is added later and forgotten there is found here.
func TestWhatWritesItselfIsAsEncodingJSONHasIt(t *testing.T) {
	for _, value := range []jsonWriter{&Verdict{}, &ctrfTest{}, &oscalObservation{}, &oscalFinding{}} {
		requireSameJSON(t, value) // with nothing but zeros
		n := 0
		fill(reflect.ValueOf(value).Elem(), &n)
		requireSameJSON(t, value)
	}
}

func requireSameJSON(t *testing.T, value jsonWriter) {
	t.Helper()
	oneLine, indented := &jsonText{}, &jsonText{indented: true, depth: 2}
	value.writeJSON(oneLine)
	value.writeJSON(indented)
	line, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if want := EscapeInvisible(line); !bytes.Equal(oneLine.text, want) && !emptyLists(want, oneLine.text) {
		t.Errorf("%T writes\n%s\nwant\n%s", value, oneLine.text, want)
	}
	lines, err := json.MarshalIndent(value, "    ", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if want := EscapeInvisible(lines); !bytes.Equal(indented.text, want) && !emptyLists(want, indented.text) {
		t.Errorf("%T writes\n%s\nwant\n%s", value, indented.text, want)
	}
}

// emptyLists says whether two texts are the same but for lists that are nil, which
// encoding/json calls null; what is written never has any.
func emptyLists(want, got []byte) bool {
	return bytes.Equal(bytes.ReplaceAll(want, []byte("null"), []byte("[]")), got)
}

// fill gives every field of a value, those of parts and lists too, a text or number of
// its own, with something to escape.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString([]string{"plain ", "\"<é>\u202e&\\ "}[*n%2] + string(rune('a'+*n)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(int64(-*n))
	default:
		panic("fill cannot make a " + v.Kind().String())
	}
}

func FuzzEscapes(f *testing.F) {
	for _, seed := range []string{"", "plain", "two\nlines", `"quoted" & 'so' <on>`, "\x00\x1b\x7f\t\r", "\xff\xfe", "é\u2028\u202e\U0001f600\ufffd", `back\slash`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := &jsonText{}
		got.string(value)
		line, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if want := EscapeInvisible(line); !bytes.Equal(got.text, want) {
			t.Errorf("as JSON %q is %s, want %s", value, got.text, want)
		}
		var text xmlText
		text.escaped(value)
		var want bytes.Buffer
		if err := xml.EscapeText(&want, []byte(value)); err != nil {
			t.Fatal(err)
		}
		if text.text.String() != want.String() || !utf8.Valid(text.text.Bytes()) {
			t.Errorf("as XML %q is %s, want %s", value, text.text.String(), want.String())
		}
	})
}
