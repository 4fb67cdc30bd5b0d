package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// writeJSON writes lists entry by entry, because encoding/json would hold the
// whole text of a large run in memory twice.
func writeJSON(w io.Writer, r *Report) error {
	report := reflect.ValueOf(*r)
	separator := "{\n"
	for i := range report.NumField() {
		name, options, _ := strings.Cut(report.Type().Field(i).Tag.Get("json"), ",")
		field := report.Field(i)
		isList := field.Kind() == reflect.Slice
		if options == "omitempty" && isList && field.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s  %q: ", separator, name); err != nil {
			return err
		}
		separator = ",\n"
		var err error
		if isList {
			err = writeList(w, field)
		} else {
			err = writeValue(w, field, "  ")
		}
		if err != nil {
			return fmt.Errorf("write field %s: %w", name, err)
		}
	}
	_, err := io.WriteString(w, "\n}\n")
	return err
}

func writeList(w io.Writer, list reflect.Value) error {
	if list.Len() == 0 {
		_, err := io.WriteString(w, "[]")
		return err
	}
	text := &jsonText{indented: true, depth: 2}
	separator := "[\n    "
	for i := range list.Len() {
		if _, err := io.WriteString(w, separator); err != nil {
			return err
		}
		separator = ",\n    "
		entry := list.Index(i)
		if own, ok := entry.Addr().Interface().(jsonWriter); ok {
			text.text = text.text[:0]
			own.writeJSON(text)
			if _, err := w.Write(text.text); err != nil {
				return err
			}
		} else if err := writeValue(w, entry, "    "); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n  ]")
	return err
}

func writeValue(w io.Writer, value reflect.Value, indent string) error {
	text, err := json.MarshalIndent(value.Interface(), indent, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(EscapeInvisible(text))
	return err
}

// EscapeInvisible replaces, in text that encoding/json wrote, what a terminal or an editor would act on instead of
// showing by its JSON escape. The encoder has done so for ASCII except DEL; all
// else that is not ASCII stands inside of strings.
func EscapeInvisible(text []byte) []byte {
	if !slices.ContainsFunc(text, func(b byte) bool { return b >= 0x7f }) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case !invisible(r):
			out = append(out, text[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out
}

func invisible(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }
