package judge

import (
	"fmt"
	"strconv"

	"github.com/katacert/katacert/probes/evidence"
)

// SharesLoad detects the node's load or size through the pod's own procfs: the
// same total memory, or the same load averages, which no two idle kernels both
// show once they have done any work.
func SharesLoad() Detection {
	return func(c *Case) Sight {
		sight := Sight{Outcome: Undetected, Reason: "shows a load and a memory size of its own"}
		for _, round := range []evidence.Round{evidence.Look, evidence.LookAgain} {
			truth, err := c.observe(c.Truth, round, "load")
			if err != nil {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s %v", c.Truth.Vantage, err)}
			}
			seen, err := c.observe(c.Seen, round, "load")
			if err != nil {
				return Sight{Outcome: Unknown, Reason: err.Error()}
			}
			if truth.State != evidence.Seen {
				return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s itself has nothing to compare with: %s", c.Truth.Vantage, why(truth))}
			}
			if done := notSeen(seen); done != nil {
				return *done
			}
			wantMemory, _ := truth.Values.Number("mem_total_kib")
			gotMemory, hasMemory := seen.Values.Number("mem_total_kib")
			wantLoad, _ := truth.Values.Text("loadavg")
			gotLoad, hasLoad := seen.Values.Text("loadavg")
			if wantMemory == 0 && wantLoad == "" {
				return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s shows neither load nor memory size", c.Truth.Vantage)}
			}
			if !hasMemory && !hasLoad {
				return Sight{Outcome: AbsentThere, Reason: "shows neither load nor memory size"}
			}
			sameMemory := wantMemory != 0 && wantMemory == gotMemory
			sameLoad := wantLoad == gotLoad && wantLoad != "" && wantLoad != "0.00 0.00 0.00"
			if round == evidence.Look || sameMemory || sameLoad {
				sight.Readings = []Reading{
					{Name: "mem_total_kib", Truth: strconv.FormatInt(wantMemory, 10), Seen: strconv.FormatInt(gotMemory, 10), Match: sameMemory},
					{Name: "loadavg", Truth: wantLoad, Seen: gotLoad, Match: sameLoad},
				}
			}
			if sameMemory || sameLoad {
				sight.Outcome, sight.Reason = Detected, sees(c, sight.Readings)
				return sight
			}
		}
		return sight
	}
}

// SharesInterrupts detects the node's interrupts: their totals follow the
// node's own.
func SharesInterrupts() Detection {
	return MovesAlong("interrupts", "total", "intr_total", "softirq_total")
}
