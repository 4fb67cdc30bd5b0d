package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// strictUnmarshal reads one JSON value and refuses what encoding/json would
// bear: fields that nobody knows, fields named twice or in another case, text
// that is not UTF-8, and anything after the value. Its errors are short and
// printable, whatever the data is.
func strictUnmarshal(data []byte, into any) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("%.60q is not UTF-8", data)
	}
	if err := checkFields(data); err != nil {
		return fmt.Errorf("%.60q: %w", data, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		// The JSON package quotes numbers and names in full length.
		return fmt.Errorf("%.60q: %.120s", data, cleanText(err.Error()))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%.60q: more than one JSON value on a line", data)
	}
	return nil
}

// object is an open object or, without names, an open array.
type object struct {
	names map[string]bool
	// value is set between a field's name and its value.
	value bool
}

// checkFields refuses fields that occur twice in one object, of which
// encoding/json keeps the last, and names in other letters than those of the
// format, which it matches in any case.
func checkFields(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var open []object
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%.120s", cleanText(err.Error()))
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 && open[len(open)-1].names != nil {
			within := &open[len(open)-1]
			name, _ := token.(string)
			switch {
			case within.value:
				within.value = false
			case !validName(name):
				return fmt.Errorf("%.60q is no name of a field", name)
			case within.names[name]:
				return fmt.Errorf("field %q is there twice", name)
			default:
				within.names[name], within.value = true, true
				continue
			}
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, object{})
		}
	}
}
