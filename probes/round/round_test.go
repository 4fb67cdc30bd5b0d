package round

import (
	"slices"
	"testing"
)

func TestWithoutLeak(t *testing.T) {
	want := []string{"--round", "look", "--run", "leak"}
	for _, args := range [][]string{
		want,
		{"--leak", "/host/var", "--round", "look", "--run", "leak"},
		{"--round", "look", "-leak=/host/var", "--run", "leak"},
		{"--round", "look", "--run", "leak", "--leak", "--run"},
	} {
		if got := withoutLeak(args); !slices.Equal(got, want) {
			t.Errorf("withoutLeak(%q) = %q, want %q", args, got, want)
		}
	}
}
