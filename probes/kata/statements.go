package kata

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// statement is one header or one assignment of a TOML file.
type statement struct {
	// path is the table of a header, or table and key of an assignment.
	path []string
	// header is set for [table] and [[table]].
	header bool
	// text is the statement as it stands there, without comments.
	text string
	// values are the texts in the assigned value: one for a string, several for an
	// array of strings, none for anything else.
	values []string
}

// maxStatements bounds one file; Kata's own have about 150.
const maxStatements = 4000

// statements divides a TOML file (toml.io, v1.0.0) as far as a probe needs: into
// headers and assignments, so that those which matter can be kept and the rest,
// such as credentials of registries, never leaves the node. It reads no types;
// who judges decodes what was kept.
func statements(text string) ([]statement, error) {
	s := &scanner{text: text, line: 1}
	var table []string
	var found []statement
	for {
		s.blank()
		if s.end() {
			return found, nil
		}
		if len(found) == maxStatements {
			return nil, fmt.Errorf("line %d: more than %d statements", s.line, maxStatements)
		}
		start := s.at
		if s.peek() == '[' {
			path, err := s.header()
			if err != nil {
				return nil, err
			}
			table = path
			found = append(found, statement{path: path, header: true, text: s.text[start:s.at]})
			continue
		}
		key, err := s.key('=')
		if err != nil {
			return nil, err
		}
		name := s.text[start:s.at]
		value, values, err := s.value()
		if err != nil {
			return nil, err
		}
		found = append(found, statement{path: slices.Concat(table, key), text: name + value, values: values})
	}
}

// scanner walks through the text of a file.
type scanner struct {
	text     string
	at, line int
}

func (s *scanner) end() bool { return s.at >= len(s.text) }

func (s *scanner) peek() byte {
	if s.end() {
		return 0
	}
	return s.text[s.at]
}

// blank goes past white space, empty lines and comments.
func (s *scanner) blank() {
	for !s.end() {
		switch s.peek() {
		case '\n':
			s.line++
			s.at++
		case ' ', '\t', '\r':
			s.at++
		case '#':
			s.comment()
		default:
			return
		}
	}
}

// comment goes to the end of the line.
func (s *scanner) comment() {
	if i := strings.IndexByte(s.text[s.at:], '\n'); i >= 0 {
		s.at += i
		return
	}
	s.at = len(s.text)
}

func (s *scanner) spaces() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.at++
	}
}

// header reads [table] or [[table]].
func (s *scanner) header() ([]string, error) {
	brackets := 1
	if strings.HasPrefix(s.text[s.at:], "[[") {
		brackets = 2
	}
	s.at += brackets
	path, err := s.key(']')
	if err != nil {
		return nil, err
	}
	if brackets == 2 {
		if s.peek() != ']' {
			return nil, s.broken("a header")
		}
		s.at++
	}
	return path, nil
}

// key reads a dotted key and the byte that ends it.
func (s *scanner) key(end byte) ([]string, error) {
	var path []string
	for {
		s.spaces()
		var part string
		switch s.peek() {
		case '"', '\'':
			quoted, err := s.quoted()
			if err != nil {
				return nil, err
			}
			part = quoted
		default:
			start := s.at
			for bare(s.peek()) {
				s.at++
			}
			if part = s.text[start:s.at]; part == "" {
				return nil, s.broken("a key")
			}
		}
		path = append(path, part)
		s.spaces()
		switch s.peek() {
		case '.':
			s.at++
		case end:
			s.at++
			return path, nil
		default:
			return nil, s.broken("a key")
		}
	}
}

func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// value reads to the end of an assignment: the end of the line outside of
// brackets. It returns the text without comments, and the texts in it.
func (s *scanner) value() (text string, values []string, err error) {
	var kept strings.Builder
	depth := 0
	for !s.end() {
		c := s.peek()
		switch {
		case c == '"' || c == '\'':
			start := s.at
			value, err := s.quoted()
			if err != nil {
				return "", nil, err
			}
			kept.WriteString(s.text[start:s.at])
			values = append(values, value)
			continue
		case c == '#':
			s.comment()
			continue
		case c == '\n' && depth == 0:
			return strings.TrimRight(kept.String(), " \t\r"), values, nil
		case c == '\n':
			s.line++
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
		if depth < 0 {
			return "", nil, s.broken("a value")
		}
		kept.WriteByte(c)
		s.at++
	}
	if depth != 0 {
		return "", nil, s.broken("a value")
	}
	return strings.TrimRight(kept.String(), " \t\r"), values, nil
}

// quoted reads a string of any of TOML's four kinds.
func (s *scanner) quoted() (string, error) {
	mark := s.text[s.at : s.at+1]
	long := strings.HasPrefix(s.text[s.at:], strings.Repeat(mark, 3))
	if long {
		mark = strings.Repeat(mark, 3)
	}
	s.at += len(mark)
	start := s.at
	for !s.end() {
		switch c := s.peek(); {
		case c == '\\' && mark[0] == '"':
			s.at += 2
			continue
		case c == '\n' && !long:
			return "", s.broken("a string")
		case c == '\n':
			s.line++
		case strings.HasPrefix(s.text[s.at:], mark):
			inner := s.text[start:s.at]
			s.at += len(mark)
			if plain, err := strconv.Unquote(`"` + inner + `"`); err == nil && mark == `"` {
				return plain, nil
			}
			return inner, nil
		}
		s.at++
	}
	return "", s.broken("a string")
}

func (s *scanner) broken(what string) error {
	return fmt.Errorf("line %d: %s that TOML does not know", s.line, what)
}

// kept joins the statements that are wanted to a file again, each below its header.
func kept(all []statement, wanted func(path []string) bool) string {
	var out strings.Builder
	var header string
	open := true // the top of a file needs no header
	for _, s := range all {
		if s.header {
			header, open = s.text, false
		}
		if !wanted(s.path) {
			continue
		}
		if !open {
			out.WriteString(header + "\n")
			open = true
		}
		if !s.header {
			out.WriteString(s.text + "\n")
		}
	}
	return out.String()
}
