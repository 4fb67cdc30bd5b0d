package history_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/history"
	"github.com/katacert/katacert/reports/internal/sample"
	"github.com/katacert/katacert/suites/judge"
)

// series writes a run for every letter of the courses: p pass, f fail, e error,
// n not applicable, and a blank where the control is not in the plan. The courses
// are those of the first controls on one target.
func series(t *testing.T, courses ...string) string {
	t.Helper()
	dir := t.TempDir()
	results := map[byte]judge.Result{'p': judge.Pass, 'f': judge.Fail, 'e': judge.Error, 'n': judge.NotApplicable}
	for night := range len(courses[0]) {
		r := sample.Sandboxed()
		r.Run.ID = fmt.Sprintf("run-%d", night)
		r.Run.Started = r.Run.Started.AddDate(0, 0, night)
		r.Run.Finished = r.Run.Started.Add(time.Minute)
		var controls []reports.Control
		var verdicts []reports.Verdict
		for i, course := range courses {
			if result, planned := results[course[night]]; planned {
				verdict := r.Verdicts[i]
				verdict.Result = result
				controls, verdicts = append(controls, r.Controls[i]), append(verdicts, verdict)
			}
		}
		r.Controls, r.Verdicts = controls, verdicts
		// The names of the folders must not matter.
		write(t, filepath.Join(dir, fmt.Sprintf("%d-%d", 9-night, night)), r)
	}
	return dir
}

func write(t *testing.T, dir string, r *reports.Report) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	format, err := reports.Format("json")
	if err != nil {
		t.Fatal(err)
	}
	if err := reports.WriteFile(filepath.Join(dir, format.File), format, r); err != nil {
		t.Fatal(err)
	}
}

func TestTrends(t *testing.T) {
	for _, test := range []struct {
		course, shown string
		trend         history.Trend
		flips         int
		since         string
	}{
		{"pppppp", "......", history.Steady, 0, ""},
		{"ffffff", "FFFFFF", history.Steady, 0, ""},
		{"ppffff", "..FFFF", history.Worse, 1, "run-2"},
		{"ffffpp", "FFFF..", history.Better, 1, "run-4"},
		{"ppfppp", "..F...", history.Flaky, 2, "run-3"},
		{"pefpff", ".EF.FF", history.Flaky, 4, "run-4"},
		{"penfff", ".E-FFF", history.Worse, 3, "run-3"},
		{"  pppp", "  ....", history.Steady, 0, ""},
		{"pp  pp", "..  ..", history.Steady, 0, ""},
		{"pp  ff", "..  FF", history.Worse, 1, "run-4"},
	} {
		h, err := history.Read(series(t, test.course, "pppppp"))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(h.Controls, func(c history.Control) bool { return c.ID == "kernel-boot-id" })
		c := h.Controls[i]
		if c.Course() != test.shown || c.Trend != test.trend || c.Flips != test.flips || c.Since != test.since {
			t.Errorf("%s: %q %s with %d flips since %q, want %q %s, %d, %q", test.course, c.Course(), c.Trend, c.Flips, c.Since, test.shown, test.trend, test.flips, test.since)
		}
		if flaky := len(c.FlakyTargets) == 1 && c.FlakyTargets[0] == "worker-1/gvisor"; flaky != (test.trend == history.Flaky) {
			t.Errorf("%s: the flaky targets are %v", test.course, c.FlakyTargets)
		}
	}
}

// Two nodes that fail by turns are two flaky nodes, though the worst verdict is the
// same every night; one that stays bad while another mends is none.
func TestTargetsAreFollowedOneByOne(t *testing.T) {
	dir := t.TempDir()
	for night := range 4 {
		r := sample.Large(2, 1)
		r.Run.ID, r.Run.Started = fmt.Sprintf("run-%d", night), r.Run.Started.AddDate(0, 0, night)
		for i := range r.Verdicts {
			r.Verdicts[i].Result = []judge.Result{judge.Pass, judge.Fail}[(i+night)%2]
		}
		write(t, filepath.Join(dir, r.Run.ID), r)
	}
	h, err := history.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if c := h.Controls[0]; c.Trend != history.Flaky || len(c.FlakyTargets) != 2 || c.Course() != "FFFF" || c.Flips != 6 {
		t.Errorf("%+v", c)
	}
}

func TestReadNamesWhatItLeavesOut(t *testing.T) {
	dir := series(t, "pp")
	for name, text := range map[string]string{"cut/report.json": "{", "notes.txt": "no run", "logs/log.txt": "no run"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := series(t, "p")
	if err := os.Symlink(filepath.Join(elsewhere, "9-0"), filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	h, err := history.Read(dir)
	if err != nil || len(h.Runs) != 3 || len(h.Notices) != 1 || !strings.Contains(h.Notices[0], "cut/report.json") {
		t.Errorf("%v, %d runs, notices %q", err, len(h.Runs), h.Notices)
	}
	if _, err := history.Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("an empty folder gives %v", err)
	}
	if _, err := history.Read("/nonexistent"); err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("no folder gives %v", err)
	}
}

func TestFormatsOfAHistory(t *testing.T) {
	h, err := history.Read(series(t, "ppfpp", "pppff", "ffpp ", "ppppp"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "0 of 5 runs certified; controls: 1 flaky, 1 worse, 1 better, 1 steady"; strings.Count(h.Headline(), "certified; controls: 1 flaky, 1 worse, 1 better, 1 steady") != 1 {
		t.Errorf("the headline is %q, want one like %q", h.Headline(), want)
	}
	h.Runs[0].Headline = "\x1b[31m<script>alert(1)</script>"
	for _, format := range history.Formats() {
		var text, again bytes.Buffer
		if err := format.Write(&text, h); err != nil {
			t.Fatal(err)
		}
		if err := format.Write(&again, h); err != nil || !bytes.Equal(text.Bytes(), again.Bytes()) {
			t.Errorf("%s is not the same twice, %v", format.Name, err)
		}
		for _, c := range h.Controls {
			if !strings.Contains(text.String(), c.ID) {
				t.Errorf("%s does not name %s", format.Name, c.ID)
			}
		}
		if strings.Contains(text.String(), "\x1b") || format.Name == "html" && strings.Contains(text.String(), "<script>") {
			t.Errorf("%s lets through what a run says", format.Name)
		}
		if format.Name == "json" {
			var read history.History
			if err := json.Unmarshal(text.Bytes(), &read); err != nil || read.Schema != history.Schema || len(read.Runs) != 5 {
				t.Errorf("%v, %+v", err, read)
			}
		}
	}
}
