package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/suites/gputest"
	"github.com/katacert/katacert/suites/judge"
)

func TestArguments(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		code int
		said string
	}{
		"help":             {[]string{"-h"}, exitPass, ""},
		"unknown command":  {[]string{"certify"}, exitUsage, "unknown command"},
		"judge nothing":    {[]string{"judge"}, exitUsage, "takes one folder"},
		"no rounds":        {[]string{"--rounds", "0"}, exitUsage, "between 1 and 100"},
		"no time":          {[]string{"--timeout", "0s"}, exitUsage, "above 0"},
		"a run id of ways": {[]string{"--run", "../x"}, exitUsage, "lower-case"},
		"too many":         {[]string{"--rounds", "1", "x"}, exitUsage, "unexpected"},
		"no such run":      {[]string{"judge", filepath.Join(t.TempDir(), "none")}, exitInfrastructure, "evidence"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code, err := run(context.Background(), test.args, &stdout, &stderr)
			if code != test.code || (err == nil) != (test.said == "") || err != nil && !strings.Contains(err.Error(), test.said) {
				t.Errorf("exit code %d, error %v; want %d and one that says %q", code, err, test.code, test.said)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	for want, results := range map[int][]judge.Result{
		exitPass:           {judge.Pass, judge.NotApplicable},
		exitFailed:         {judge.Pass, judge.Error, judge.Fail},
		exitInfrastructure: {judge.Pass, judge.Invalid},
	} {
		var report gputest.Report
		for _, result := range results {
			report.Results = append(report.Results, gputest.Row{Verdicts: map[gputest.Place]judge.Verdict{gputest.Runsc: {Result: result}}})
		}
		if got := verdictCode(report); got != want {
			t.Errorf("%v give exit code %d, want %d", results, got, want)
		}
	}
}

// TestPackedPrograms packs something and finds it again, and leaves out what was
// not packed.
func TestPackedPrograms(t *testing.T) {
	content := []byte("a program\n")
	source := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(source, content, 0o755); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "packed")
	if err := gputest.Pack(gputest.Programs{Probe: source, Runc: source, Runsc: source}, folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "runc.zst")); err != nil {
		t.Fatal(err)
	}
	found, err := gputest.Packed(folder, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if found.Runc != "" {
		t.Errorf("runc was not packed and is found as %s", found.Runc)
	}
	for _, path := range []string{found.Probe, found.Runsc} {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s holds %q: %v", path, got, err)
		}
	}
	if err := os.Remove(filepath.Join(folder, "gpu-probe")); err != nil {
		t.Fatal(err)
	}
	if _, err := gputest.Packed(folder, t.TempDir()); err == nil {
		t.Error("a folder without gpu-probe is taken")
	}
}
