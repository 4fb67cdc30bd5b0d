package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/katacert/katacert/reports/internal/jsonfault"
	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/judge"
)

// largestReport bounds the size of a report that Read accepts, in bytes: five
// times that of 1,000 targets with 100 controls.
const largestReport = 1 << 29

// Read reads the report.json at path, which may also be the folder of a run. It
// refuses what is cut off, what this version does not understand in full, and
// what contradicts itself: verdicts of unknown controls or targets, a verdict
// twice or missing, an outcome that does not follow from the verdicts.
func Read(path string) (*Report, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, Formats()[0].File)
	}
	text, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("read the report of a run: %w", err)
	}
	r, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("read the report of a run: %s: %w", path, err)
	}
	return r, nil
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: name the folder of a run, which holds report.json", err)
		}
		return nil, err
	}
	defer func() { _ = file.Close() }()
	tooLarge := fmt.Errorf("%s is larger than %d bytes: this is not a report", path, largestReport)
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if info.Size() > largestReport {
		return nil, tooLarge
	}
	// What is no regular file has no size to ask for.
	text, err := io.ReadAll(io.LimitReader(file, largestReport+1))
	if err != nil {
		return nil, err
	}
	if len(text) > largestReport {
		return nil, tooLarge
	}
	return text, nil
}

// Decode reads the text of a report.json, and refuses what Read refuses.
func Decode(text []byte) (*Report, error) { return decode(text) }

func decode(text []byte) (*Report, error) {
	// The schema comes first, so that a file of another version is called that
	// and not corrupt.
	var head struct {
		Schema string `json:"schema"`
		Run    struct {
			Version string `json:"version"`
		} `json:"run"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("corrupt or cut off: %w", jsonfault.Of(err))
	}
	if head.Schema != Schema {
		if head.Run.Version == "" {
			return nil, fmt.Errorf("schema %q, but this katacert reads %q: it is no report.json of katacert", head.Schema, Schema)
		}
		return nil, fmt.Errorf("schema %q, but this katacert reads %q: use the katacert that wrote it (version %q)", head.Schema, Schema, head.Run.Version)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	r := &Report{}
	if err := decoder.Decode(r); err != nil {
		return nil, fmt.Errorf("not understood: %w; it was written by version %q: use that version or a newer one", jsonfault.Of(err), head.Run.Version)
	}
	return r, r.check()
}

// check finds what no run can have written.
func (r *Report) check() error {
	controls, targets := map[string]bool{}, map[string]bool{}
	for _, c := range r.Controls {
		if controls[c.ID] {
			return fmt.Errorf("control %q is listed twice", c.ID)
		}
		controls[c.ID] = true
	}
	for _, t := range r.Targets {
		if targets[t.ID] {
			return fmt.Errorf("target %q is listed twice", t.ID)
		}
		targets[t.ID] = true
	}
	if len(r.Targets) == 0 {
		targets[noTarget] = true
	}
	type key struct{ control, target string }
	seen := make(map[key]bool, len(r.Verdicts))
	for _, v := range r.Verdicts {
		id := key{v.Control, v.Target}
		switch {
		case !controls[v.Control]:
			return fmt.Errorf("a verdict names control %q, which is not listed", v.Control)
		case !targets[v.Target]:
			return fmt.Errorf("a verdict names target %q, which is not listed", v.Target)
		case !slices.Contains(judge.Results(), v.Result):
			return fmt.Errorf("control %q has the unknown verdict %q for target %q", v.Control, v.Result, v.Target)
		case seen[id]:
			return fmt.Errorf("control %q has two verdicts for target %q", v.Control, v.Target)
		}
		seen[id] = true
	}
	if want := len(controls) * len(targets); len(seen) != want {
		return fmt.Errorf("it holds %s, but %s on %s need %d", numbers.Plural(len(seen), "verdict"), numbers.Plural(len(controls), "control"), numbers.Plural(len(targets), "target"), want)
	}
	again := r.concluded()
	if again.Outcome != r.Outcome || !reflect.DeepEqual(again.Summary, r.Summary) {
		return fmt.Errorf("it says %s, but %s follows from its verdicts: the file was changed", r.Headline(), again.Headline())
	}
	return nil
}
