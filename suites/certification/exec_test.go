package certification

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// endless is a reader that never ends, as a hostile pod's output does not, and
// counts what was taken from it.
type endless struct{ taken int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.taken += int64(len(p))
	return len(p), nil
}

// remotecommand copies a pod's output with io.Copy, which prefers a writer's
// ReadFrom to its Write.
func TestBoundedHoldsUnderCopy(t *testing.T) {
	const limit = 1 << 10
	full := 0
	b := &bounded{limit: limit, full: func() { full++ }}
	source := &endless{}
	if _, err := io.Copy(b, source); !errors.Is(err, io.ErrShortWrite) {
		t.Fatalf("copying an endless stream ended with %v, want %v", err, io.ErrShortWrite)
	}
	if len(b.bytes()) != limit || full != 1 {
		t.Errorf("kept %d bytes and called full %d times, want %d and once", len(b.bytes()), full, limit)
	}
	if source.taken > 64<<10 {
		t.Errorf("took %d bytes from the stream to keep %d", source.taken, limit)
	}
}

func TestBounded(t *testing.T) {
	for _, test := range []struct {
		name   string
		writes []string
		limit  int64
		kept   string
		full   int
	}{
		{"nothing", nil, 4, "", 0},
		{"below the limit", []string{"ab"}, 4, "ab", 0},
		{"exactly the limit", []string{"ab", "cd"}, 4, "abcd", 0},
		{"an empty write at the limit", []string{"abcd", ""}, 4, "abcd", 0},
		{"across the limit", []string{"abc", "def"}, 4, "abcd", 1},
		{"long after the limit", []string{"abcdef", "g", "h"}, 4, "abcd", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			full := 0
			b := &bounded{limit: test.limit, full: func() { full++ }}
			for _, text := range test.writes {
				n, err := b.Write([]byte(text))
				if err == nil && n != len(text) {
					t.Errorf("Write(%q) = %d without an error", text, n)
				}
			}
			if string(b.bytes()) != test.kept || full != test.full {
				t.Errorf("kept %q, full called %d times; want %q, %d", string(b.bytes()), full, test.kept, test.full)
			}
		})
	}
}

// A probe's messages are cut without ending the exec: they only illustrate.
func TestBoundedWithoutFullDropsTheRest(t *testing.T) {
	b := &bounded{limit: 3}
	n, err := io.Copy(b, strings.NewReader(strings.Repeat("message ", 1000)))
	if err != nil || n != 8000 || string(b.bytes()) != "mes" {
		t.Errorf("kept %q of %d bytes, %v; want the first 3 of 8000 and no error", string(b.bytes()), n, err)
	}
}

func TestLastLine(t *testing.T) {
	for out, want := range map[string]string{
		"":                      "",
		"cut":                   "",
		"\n":                    "",
		"one\n":                 "one",
		"one\ntwo\n":            "two",
		"one\ntwo":              "",
		"one\n\n":               "",
		"{\"end\":{}}\nmore\n":  "more",
		"more\n{\"end\":{}}\n":  "{\"end\":{}}",
		"more\n{\"end\":{}}\nx": "",
	} {
		if got := string(lastLine([]byte(out))); got != want {
			t.Errorf("lastLine(%q) = %q, want %q", out, got, want)
		}
	}
}
