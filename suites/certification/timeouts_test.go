package certification

import "testing"

// Only slow nodes are spared pods that look, start or are tried all at once.
func TestAtOnce(t *testing.T) {
	for scale, want := range map[float64][3]int{
		1: {-1, -1, trialsAtOnce}, 2: {-1, -1, trialsAtOnce}, 3: {slowLooks, slowStarts, slowTrials}, 15: {slowLooks, slowStarts, slowTrials},
	} {
		at := DefaultTimeouts(scale)
		if got := [3]int{at.looksAtOnce(), at.startsAtOnce(), at.trialsAtOnce()}; got != want {
			t.Errorf("with the factor %g %d pods look, start and are tried at once, want %d", scale, got, want)
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
