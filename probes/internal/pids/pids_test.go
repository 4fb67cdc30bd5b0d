package pids

import (
	"os"
	"slices"
	"testing"
)

func TestListAndWords(t *testing.T) {
	ids, truncated, err := List(1 << 20)
	if err != nil || truncated || !slices.Contains(ids, os.Getpid()) {
		t.Fatalf("%d ids, truncated %v, %v", len(ids), truncated, err)
	}
	if ids, truncated, err := List(1); len(ids) != 1 || !truncated || err != nil {
		t.Errorf("at most one: %v, truncated %v, %v", ids, truncated, err)
	}
	words, err := Words(os.Getpid(), "cmdline", 1<<16)
	if err != nil || !slices.Equal(words, os.Args) {
		t.Errorf("%q, %v; want %q", words, err, os.Args)
	}
	if words, err := Words(os.Getpid(), "cmdline", 3); err != nil || len(words) != 1 || words[0] != os.Args[0][:3] {
		t.Errorf("of three bytes: %q, %v", words, err)
	}
	if _, err := Words(1<<30, "cmdline", 10); err == nil {
		t.Error("no error for a process that does not exist")
	}
}
