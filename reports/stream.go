package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
)

// jsonStream writes a JSON document of any size piece by piece. One field or entry
// of a list is held at a time, and each has a line of its own, so that two
// documents can be compared with tools for text.
type jsonStream struct {
	w io.Writer
	// separator is what stands before the next field or entry.
	separator string
	// own is room for what writes itself.
	own jsonText
	err error
}

// document writes an object and what body puts into it.
func (s *jsonStream) document(body func()) error {
	s.nest("{", "}\n", body)
	return s.err
}

// object writes a field whose value is an object that body fills.
func (s *jsonStream) object(name string, body func()) {
	s.name(name)
	s.nest("{", "}", body)
}

// objects writes a field that is a list of one object, which body fills.
func (s *jsonStream) objects(name string, body func()) {
	s.name(name)
	s.nest("[{", "}]", body)
}

// field writes a field that is small enough to be held.
func (s *jsonStream) field(name string, value any) {
	s.name(name)
	s.value(value)
	s.separator = ",\n"
}

// list writes a field that is a list.
func (s *jsonStream) list(name string, entries iter.Seq[any]) {
	s.name(name)
	s.nest("[", "]", func() {
		for entry := range entries {
			s.write(s.separator)
			s.value(entry)
			s.separator = ",\n"
			if s.err != nil {
				return
			}
		}
	})
}

// some writes a list as list does, and nothing where it is empty: OSCAL has no
// empty lists.
func (s *jsonStream) some(name string, entries iter.Seq[any]) {
	for range entries {
		s.list(name, entries)
		return
	}
}

func (s *jsonStream) nest(open, end string, body func()) {
	s.write(open)
	s.separator = "\n"
	body()
	s.write("\n" + end)
	s.separator = ",\n"
}

func (s *jsonStream) name(name string) { s.write(fmt.Sprintf("%s%q: ", s.separator, name)) }

func (s *jsonStream) value(value any) {
	if own, ok := value.(jsonWriter); ok {
		s.own.text = s.own.text[:0]
		own.writeJSON(&s.own)
		s.bytes(s.own.text)
		return
	}
	text, err := json.Marshal(value)
	if err != nil {
		s.err = fmt.Errorf("encode %T: %w", value, err)
		return
	}
	s.bytes(EscapeInvisible(text))
}

func (s *jsonStream) write(text string) { s.bytes([]byte(text)) }

func (s *jsonStream) bytes(text []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(text)
	}
}
