package certification

import (
	"slices"
	"time"

	"github.com/katacert/katacert/reports"
)

// Unfinished is the report of a run that goes on. It is written when the plan stands,
// so that a run that is killed leaves a report in which every control has a verdict:
// the error that it was not judged.
func Unfinished(r *reports.Report) *reports.Report {
	return early(r, time.Now().UTC(), "it has not ended: it goes on still, or it was killed",
		"it is not known what is left: if the run was killed, "+removal(r))
}

// CutOff is the report of a run that was not let end, because it was interrupted a
// second time or did not stop: what it had made may be there still.
func CutOff(r *reports.Report) *reports.Report {
	return early(r, time.Now().UTC(), "it was cut off before it had ended",
		"it is not known what is left of the run that was cut off: "+removal(r))
}

// removal says what removes that which a run made in its cluster.
func removal(r *reports.Report) string {
	switch r.Cluster.Provider {
	case "existing":
		return "`katacert cleanup --cluster existing --run " + r.Run.ID + "`, with the same --kubeconfig and --context, removes what it made in the cluster"
	case "kind":
		return "`katacert cleanup --cluster kind` removes its cluster"
	default:
		return "`katacert cleanup` removes a cluster of its own, and the next certification what it made in one that goes on running"
	}
}

func early(r *reports.Report, at time.Time, cause, left string) *reports.Report {
	report := *r
	report.Run.Finished, report.Run.Interrupted = at, cause
	report.Leftovers = append(slices.Clone(r.Leftovers), left)
	report.Conclude()
	return &report
}
