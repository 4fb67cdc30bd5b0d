package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/reports/compare"
	"github.com/katacert/katacert/suites/judge"
)

func TestCompareSaysWhatGotWorse(t *testing.T) {
	before := runFolder(t, "run-1", judge.Pass, nil)
	after := runFolder(t, "run-2", judge.Pass, func(r *reports.Report) {
		r.Cluster.Kubernetes = "v1.38.0"
		r.Verdicts[0].Result, r.Verdicts[0].Reason = judge.Fail, "subject read the host's"
	})
	damaged := filepath.Join(t.TempDir(), bundle.File)
	if err := os.WriteFile(damaged, []byte("\x1f\x8b no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		before, after string
		code          int
		says          []string
	}{
		"worse":  {before, after, exitNotCertified, []string{"REGRESSED", "pass -> fail", "subject read the host's", "v1.38.0", "WORSE"}},
		"better": {after, filepath.Join(before, "report.json"), exitCertified, []string{"MENDED", "fail -> pass", "NOT WORSE"}},
		"same":   {before, before, exitCertified, []string{"THE SAME"}},
		"none":   {before, t.TempDir(), exitPartial, nil},
		"bundle": {damaged, after, exitPartial, nil},
	} {
		got := katacert(t, "compare", test.before, test.after)
		if got.code != test.code {
			t.Errorf("%s: exit code %d, want %d: %s", name, got.code, test.code, got.stderr)
		}
		for _, part := range test.says {
			if !strings.Contains(got.stdout, part) {
				t.Errorf("%s: it does not say %q:\n%s", name, part, got.stdout)
			}
		}
	}
	if got := katacert(t, "compare", damaged, after); !strings.Contains(got.stderr, "katacert verify") {
		t.Errorf("of a damaged bundle it says %q", got.stderr)
	}
	for _, format := range compare.Formats() {
		to := filepath.Join(t.TempDir(), "changes")
		shown := katacert(t, "compare", before, after, "--format", format.Name)
		got := katacert(t, "compare", before, after, "--format", format.Name, "--out", to)
		text, err := os.ReadFile(to)
		if err != nil || got.code != exitNotCertified || got.stdout != "" || string(text) != shown.stdout || len(text) == 0 {
			t.Errorf("%s: exit code %d, %v, %q, and the file holds %.80q", format.Name, got.code, err, got.stdout, text)
		}
	}
}

func TestHistoryFollowsRuns(t *testing.T) {
	dir := t.TempDir()
	for i, result := range []judge.Result{judge.Pass, judge.Fail, judge.Pass} {
		id := "run-" + string(rune('1'+i))
		run := runFolder(t, id, judge.Pass, func(r *reports.Report) {
			r.Run.Started = r.Run.Started.AddDate(0, 0, i)
			r.Verdicts[0].Result = result
		})
		if err := os.Rename(run, filepath.Join(dir, id)); err != nil {
			t.Fatal(err)
		}
	}
	got := katacert(t, "history", dir)
	for _, part := range []string{"FLAKY", "|.F.|", "back and forth on worker/gvisor", "2 of 3 runs certified"} {
		if got.code != exitCertified || !strings.Contains(got.stdout, part) {
			t.Errorf("exit code %d, %s, and it does not say %q:\n%s", got.code, got.stderr, part, got.stdout)
		}
	}
	if got := katacert(t, "history", t.TempDir()); got.code != exitPartial || !strings.Contains(got.stderr, "report.json") {
		t.Errorf("no runs: exit code %d, %q", got.code, got.stderr)
	}
}
