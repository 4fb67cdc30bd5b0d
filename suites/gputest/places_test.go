package gputest

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLogsOfRuntimesThatKeepNone looks at what is removed after a failure: the
// runtime's own logs and nothing else, least of all files of the folder at hand.
func TestLogsOfRuntimesThatKeepNone(t *testing.T) {
	here := t.TempDir()
	t.Chdir(here)
	mine := filepath.Join(here, "mine")
	if err := os.WriteFile(mine, []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := (&container{}).failure(); said != "" {
		t.Errorf("a runtime without logs says %q", said)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("a file that is nobody's log is gone: %v", err)
	}
	logs := t.TempDir()
	log := filepath.Join(logs, "boot.txt")
	if err := os.WriteFile(log, []byte("[drawing]\nlast words\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := (&container{logs: logs}).failure(); said != "--- boot.txt\nlast words\n" {
		t.Errorf("the log is shown as %q", said)
	}
	if _, err := os.Stat(log); err == nil {
		t.Error("the log would be shown twice")
	}
}
