package selftest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Write writes selftest.json, and the matrix of controls by mutants for people as
// selftest.md and selftest.html, into a folder and returns their paths.
func (r *Result) Write(dir string, all []catalogue.Control) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the self-test's folder: %w", err)
	}
	var written []string
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"selftest.json", r.writeJSON},
		{"selftest.md", func(w io.Writer) error { return r.writeMarkdown(w, all) }},
		{"selftest.html", func(w io.Writer) error { return r.writePage(w, all) }},
	} {
		path := filepath.Join(dir, file.name)
		if err := reports.WriteWhole(path, file.write); err != nil {
			return written, fmt.Errorf("write the self-test's result to %s: %w", path, err)
		}
		written = append(written, path)
	}
	return written, nil
}

func (r *Result) writeJSON(w io.Writer) error {
	data, err := r.JSON()
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

// JSON is the result as selftest.json holds it: whole, and without characters that
// a terminal would act on.
func (r *Result) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the self-test's result: %w", err)
	}
	return reports.EscapeInvisible(append(data, '\n')), nil
}

// longestLine bounds what is shown of a reason or failure, in characters.
const longestLine = 2000

// shown makes a text harmless in which a pod or a cluster may have had a part.
func shown(text string) string { return judge.Printable(text, longestLine) }
