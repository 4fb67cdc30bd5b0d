package certification

import "testing"

// Only slow nodes are spared the looks of all pods at once.
func TestLooksAtOnce(t *testing.T) {
	for scale, want := range map[float64]int{1: -1, 2: -1, 3: slowLooks, 15: slowLooks} {
		if got := DefaultTimeouts(scale).looksAtOnce(); got != want {
			t.Errorf("with the factor %g %d pods look at once, want %d", scale, got, want)
		}
	}
}
