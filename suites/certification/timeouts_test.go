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

// Ginkgo abandons what does not end in time, with everything that it had made.
func TestEndingHoldsAllOfCleaningUp(t *testing.T) {
	for _, scale := range []float64{1, 15} {
		timeouts := DefaultTimeouts(scale)
		if least := 4 * timeouts.Cleanup; timeouts.Ending() < least {
			t.Errorf("with the factor %g a run may take %v to end, want %v at least", scale, timeouts.Ending(), least)
		}
	}
}
