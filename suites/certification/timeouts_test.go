package certification

import (
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/reports"
)

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

func TestCutOffRunSaysSo(t *testing.T) {
	running := &reports.Report{Run: reports.Run{ID: "run-1", Started: time.Now().Add(-time.Minute)}, Leftovers: []string{"a loop device"}}
	cut := CutOff(running)
	if took := cut.Run.Finished.Sub(cut.Run.Started); took < time.Minute || took > time.Hour {
		t.Errorf("it says that it took %v", took)
	}
	if cut.Outcome != reports.Partial || cut.Run.Interrupted == "" {
		t.Errorf("a run that was cut off is %s, interrupted: %q", cut.Outcome, cut.Run.Interrupted)
	}
	if len(cut.Leftovers) != 2 || !strings.Contains(cut.Leftovers[1], "katacert cleanup") {
		t.Errorf("its leftovers are %q", cut.Leftovers)
	}
	if !running.Run.Finished.IsZero() || len(running.Leftovers) != 1 {
		t.Error("the report of the run itself was changed, which may still be written to")
	}
}
