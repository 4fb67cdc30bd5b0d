package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Values are named readings. Each is a text, a number or a list of texts; a
// closed set of types keeps untrusted evidence cheap to check and to show.
type Values map[string]Value

// Value is one reading; exactly one of its fields is in use, as Kind says.
type Value struct {
	kind   kind
	text   string
	number int64
	list   []string
}

type kind uint8

const (
	kindNone kind = iota
	kindText
	kindNumber
	kindList
)

// FileSystemUUID starts the UUIDs of file systems among the identifiers of the
// probe disk-ids.
const FileSystemUUID = "fs-uuid:"

// Text makes a textual reading.
func Text(s string) Value { return Value{kind: kindText, text: s} }

// Number makes a numeric reading; its unit belongs into the reading's name.
func Number(n int64) Value { return Value{kind: kindNumber, number: n} }

// List makes a reading of several texts, kept sorted and without repetition so
// that equal sets are equal evidence.
func List(items ...string) Value {
	sorted := slices.Clone(items)
	if sorted == nil {
		sorted = []string{}
	}
	slices.Sort(sorted)
	return Value{kind: kindList, list: slices.Compact(sorted)}
}

// Text returns the named text, and whether there is one.
func (v Values) Text(name string) (string, bool) {
	value, ok := v[name]
	return value.text, ok && value.kind == kindText
}

// Number returns the named number, and whether there is one.
func (v Values) Number(name string) (int64, bool) {
	value, ok := v[name]
	return value.number, ok && value.kind == kindNumber
}

// List returns the named list, and whether there is one.
func (v Values) List(name string) ([]string, bool) {
	value, ok := v[name]
	return value.list, ok && value.kind == kindList
}

// String shows the reading for people.
func (v Value) String() string {
	switch v.kind {
	case kindText:
		return v.text
	case kindNumber:
		return fmt.Sprint(v.number)
	case kindList:
		if len(v.list) == 0 {
			return "(none)"
		}
		out, _ := json.Marshal(v.list)
		return string(out)
	default:
		return ""
	}
}

// MarshalJSON writes the reading as a JSON string, number or array of strings.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case kindText:
		return json.Marshal(v.text)
	case kindNumber:
		return json.Marshal(v.number)
	case kindList:
		return json.Marshal(v.list)
	default:
		return nil, fmt.Errorf("a reading without a value cannot be written")
	}
}

// UnmarshalJSON reads a JSON string, whole number or array of strings, and
// refuses everything else. Lists are put in the order of List.
func (v *Value) UnmarshalJSON(data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("empty reading")
	}
	var read Value
	switch data[0] {
	case '"':
		read.kind = kindText
		if err := json.Unmarshal(data, &read.text); err != nil {
			return err
		}
	case '[':
		var items []*string
		if err := json.Unmarshal(data, &items); err != nil || slices.Contains(items, nil) {
			return fmt.Errorf("reading %.40q is no list of texts", data)
		}
		texts := make([]string, len(items))
		for i, item := range items {
			texts[i] = *item
		}
		read = List(texts...)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		read.kind = kindNumber
		if err := json.Unmarshal(data, &read.number); err != nil {
			return fmt.Errorf("reading %.40q is no whole number of 64 bits", data)
		}
	default:
		return fmt.Errorf("reading %.40q is neither text, number nor list", data)
	}
	*v = read
	return nil
}
