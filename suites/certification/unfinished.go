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
		"it is not known what is left: if the run was killed, have `katacert cleanup` remove what it made in the cluster")
}

// CutOff is the report of a run that was not let end, because it was interrupted a
// second time or did not stop: what it had made may be there still.
func CutOff(r *reports.Report) *reports.Report {
	return early(r, time.Now().UTC(), "it was cut off before it had ended",
		"it is not known what is left: the run was cut off, so have `katacert cleanup` remove what it made in the cluster")
}

func early(r *reports.Report, at time.Time, cause, left string) *reports.Report {
	report := *r
	report.Run.Finished, report.Run.Interrupted = at, cause
	report.Leftovers = append(slices.Clone(r.Leftovers), left)
	report.Conclude()
	return &report
}
