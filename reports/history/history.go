// Package history reads a series of runs, as nightly jobs leave them, and says how
// each control went and which are flaky.
package history

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
)

// Schema names the format of a history as JSON.
const Schema = "katacert.dev/history/v1"

// Trend says how a control went.
type Trend string

// The trends, in the order in which they are shown.
const (
	// Flaky means that a control changed its verdict and went back to one that it had
	// before, on one and the same target.
	Flaky Trend = "flaky"
	// Worse and Better mean that it changed, and stayed.
	Worse  Trend = "worse"
	Better Trend = "better"
	// Steady means that it had one verdict in all runs that had it in their plan.
	Steady Trend = "steady"
)

// Trends lists the trends in the order in which they are shown.
func Trends() []Trend { return []Trend{Flaky, Worse, Better, Steady} }

// History is a series of runs.
type History struct {
	Schema   string    `json:"schema"`
	Notices  []string  `json:"notices,omitempty"`
	Runs     []Run     `json:"runs"`
	Controls []Control `json:"controls"`
}

// Run is one run of the series, oldest first.
type Run struct {
	ID       string          `json:"id"`
	Started  time.Time       `json:"started"`
	Seconds  float64         `json:"seconds"`
	Version  string          `json:"version"`
	Targets  int             `json:"targets"`
	Outcome  reports.Outcome `json:"outcome"`
	Headline string          `json:"headline"`
	Findings int             `json:"findings"`
}

// Control is how one control went.
type Control struct {
	ID    string          `json:"id"`
	Title string          `json:"title"`
	Level catalogue.Level `json:"level"`
	Trend Trend           `json:"trend"`
	// Marks are the worst marks over all targets, a mark a run; empty where the run
	// did not have the control in its plan.
	Marks []string `json:"marks"`
	// Flips counts the changes of verdicts, over all targets.
	Flips int `json:"flips"`
	// FlakyTargets are those on which it went back and forth.
	FlakyTargets []string `json:"flaky_targets,omitempty"`
	// Since is the run of the last change.
	Since string `json:"since,omitempty"`
}

// Read reads the runs below dir: every folder in it that holds a report.json, links
// to such folders, and files of that kind themselves. A run that cannot be read is named and left out.
func Read(dir string) (*History, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the series of runs: %w: name the folder that holds the folders of runs", err)
	}
	b := newBuilder()
	var notices []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err == nil && info.IsDir() { // links too
			path = filepath.Join(path, "report.json")
			if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
				continue // no run
			}
		} else if filepath.Ext(path) != ".json" {
			continue
		}
		r, err := reports.Read(path)
		if err != nil {
			notices = append(notices, "Left out: "+err.Error())
			continue
		}
		b.add(r)
	}
	if len(b.runs) == 0 {
		return nil, fmt.Errorf("read the series of runs: no folder in %s holds a report.json that can be read: %s", dir, cmp.Or(first(notices), "name the folder that certify was given as --out"))
	}
	h := b.history()
	h.Notices = notices
	return h, nil
}

func first(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return texts[0]
}

// builder holds of each run only the marks, a byte each: a series may have hundreds
// of runs of a thousand nodes.
type builder struct {
	runs     []Run
	marks    []map[key]byte
	controls map[string]reports.Control
	order    map[string]int
}

type key struct{ control, target string }

func newBuilder() *builder {
	return &builder{controls: map[string]reports.Control{}, order: map[string]int{}}
}

// absent is the byte of a control that was not in the plan of a run.
const absent = 0

func (b *builder) add(r *reports.Report) {
	b.runs = append(b.runs, Run{ID: r.Run.ID, Started: r.Run.Started, Seconds: r.Run.Finished.Sub(r.Run.Started).Seconds(), Version: r.Run.Version,
		Targets: len(r.Targets), Outcome: r.Outcome, Headline: r.Headline(), Findings: r.Summary.Findings})
	marks := map[key]byte{}
	for _, sheet := range r.Sheets() {
		for _, row := range sheet.Rows {
			marks[key{row.Control.ID, sheet.Target.ID}] = 1 + byte(slices.Index(reports.Marks(), row.Mark()))
		}
	}
	b.marks = append(b.marks, marks)
	for i, c := range r.Controls {
		b.controls[c.ID] = c
		if _, ok := b.order[c.ID]; !ok {
			b.order[c.ID] = i
		}
	}
}

// history orders the runs by their start and follows every control through them.
func (b *builder) history() *History {
	sorted := make([]int, len(b.runs))
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortStableFunc(sorted, func(x, y int) int {
		return cmp.Or(b.runs[x].Started.Compare(b.runs[y].Started), cmp.Compare(b.runs[x].ID, b.runs[y].ID))
	})
	h := &History{Schema: Schema}
	courses := map[key][]byte{}
	for at, i := range sorted {
		h.Runs = append(h.Runs, b.runs[i])
		for k, mark := range b.marks[i] {
			if courses[k] == nil {
				courses[k] = make([]byte, len(sorted))
			}
			courses[k][at] = mark
		}
	}
	byControl := map[string]map[string][]byte{}
	for k, course := range courses {
		if byControl[k.control] == nil {
			byControl[k.control] = map[string][]byte{}
		}
		byControl[k.control][k.target] = course
	}
	for id, targets := range byControl {
		h.Controls = append(h.Controls, b.follow(id, targets, h.Runs))
	}
	slices.SortFunc(h.Controls, func(x, y Control) int {
		return cmp.Or(cmp.Compare(slices.Index(Trends(), x.Trend), slices.Index(Trends(), y.Trend)), cmp.Compare(b.order[x.ID], b.order[y.ID]), cmp.Compare(x.ID, y.ID))
	})
	return h
}
