package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSweepTakesOnlyWhatIsOfTheRun(t *testing.T) {
	root := t.TempDir()
	ours := filepath.Join(root, "run/katacert-r1-0123456789abcdef")
	for _, dir := range []string{ours, filepath.Join(root, "run/katacert-r2-0123456789abcdef"), filepath.Join(root, "run/katacert-r1")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"--list"}, nil} {
		var stdout, stderr bytes.Buffer
		args = append([]string{"sweep", "--host-root", root, "--run", "r1"}, args...)
		if code := run(args, &stdout, &stderr); code != exitOK || stdout.String() != "file /run/katacert-r1-0123456789abcdef\n" {
			t.Errorf("%v: exit code %d, printed %q and %q", args, code, stdout.String(), stderr.String())
		}
	}
	left, err := os.ReadDir(filepath.Join(root, "run"))
	if err != nil || len(left) != 2 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestSweepUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"--run", "r1"}, {"--host-root", "/"}, {"--run", "r1", "--host-root", "/", "x"}, {"--all"}} {
		var stdout, stderr bytes.Buffer
		if code := run(append([]string{"sweep"}, args...), &stdout, &stderr); code != exitUsage || !strings.HasPrefix(stderr.String(), "probe sweep: ") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
	}
	var stderr bytes.Buffer
	if code := run([]string{"sweep", "--host-root", t.TempDir(), "--run", "../x"}, &stderr, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "run id") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
