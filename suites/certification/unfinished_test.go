package certification

import (
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

func TestUnfinishedRunsSaySo(t *testing.T) {
	for name, test := range map[string]struct {
		of   func(*reports.Report) *reports.Report
		want string
	}{"cut off": {CutOff, "cut off"}, "goes on or was killed": {Unfinished, "killed"}} {
		running := &reports.Report{Run: reports.Run{ID: "run-1", Started: time.Now().Add(-time.Minute)}, Leftovers: []string{"a loop device"},
			Controls: []reports.Control{{ID: "one"}, {ID: "two"}}, Targets: []reports.Target{{ID: "node/kata"}}}
		report := test.of(running)
		if took := report.Run.Finished.Sub(report.Run.Started); took < time.Minute || took > time.Hour {
			t.Errorf("%s: it says that it took %v", name, took)
		}
		if report.Outcome != reports.Partial || !strings.Contains(report.Run.Interrupted, test.want) {
			t.Errorf("%s: the run is %s, interrupted: %q", name, report.Outcome, report.Run.Interrupted)
		}
		if len(report.Leftovers) != 2 || !strings.Contains(report.Leftovers[1], "katacert cleanup") {
			t.Errorf("%s: its leftovers are %q", name, report.Leftovers)
		}
		if len(report.Verdicts) != 2 || report.Verdicts[1].Result != judge.Error || !strings.Contains(report.Verdicts[1].Reason, test.want) {
			t.Errorf("%s: its verdicts are %v, want an error for each of two controls", name, report.Verdicts)
		}
		if !running.Run.Finished.IsZero() || len(running.Leftovers) != 1 || len(running.Verdicts) != 0 {
			t.Errorf("%s: the report of the run itself was changed, which may still be written to", name)
		}
	}
}
