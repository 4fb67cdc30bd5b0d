package compare

import (
	"math"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/numbers"
)

// Shift is a time or a figure that moved by more than the noise.
type Shift struct {
	What string `json:"what"`
	Unit string `json:"unit"`
	// Before and After are medians.
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// Noise is the difference that says nothing, in the same unit: three standard
	// deviations as the spread of the measurements in the two runs shows them, and at
	// least a share of the value where a run has few.
	Noise float64 `json:"noise"`
	// SamplesBefore and SamplesAfter are how many measurements each run had.
	SamplesBefore int `json:"samples_before"`
	SamplesAfter  int `json:"samples_after"`
	// Worse says that it went the wrong way. It is no regression: what a run takes
	// proves nothing of isolation.
	Worse bool `json:"worse"`
}

const (
	// deviations is how many standard deviations are noise.
	deviations = 3
	// madToDeviation makes a standard deviation of a median absolute deviation, for
	// a normal distribution.
	madToDeviation = 1.4826
	// few is below how many measurements a run does not show its own spread.
	few = 3
	// leastTime is a difference of a phase that nobody minds, in seconds.
	leastTime = 1
)

// shares of the value that are noise at least: phases of a run wait for kubelets
// and images, and were seen to double from one night to the next on a busy node.
const (
	shareOfPhase, shareOfPhaseWhereFew   = 0.25, 1
	shareOfFigure, shareOfFigureWhereFew = 0.05, 0.25
)

// series are the measurements of one thing in the two runs.
type series struct {
	what, unit    string
	before, after []float64
	lessIsBetter  bool
	least         float64
	share, atFew  float64
}

// shifts compares the phases' times and the figures, each over all targets.
func shifts(before, after *reports.Report) (list []Shift) {
	for _, s := range gather(before, after) {
		if len(s.before) == 0 || len(s.after) == 0 {
			continue
		}
		was, is := numbers.Median(s.before), numbers.Median(s.after)
		noise := s.noise(was)
		if math.Abs(is-was) > noise {
			list = append(list, Shift{What: s.what, Unit: s.unit, Before: was, After: is, Noise: noise, SamplesBefore: len(s.before), SamplesAfter: len(s.after),
				Worse: (is > was) == s.lessIsBetter})
		}
	}
	return list
}

func (s *series) noise(was float64) float64 {
	share := s.share
	if min(len(s.before), len(s.after)) < few {
		share = s.atFew
	}
	return max(deviations*madToDeviation*max(spread(s.before), spread(s.after)), share*math.Abs(was), s.least)
}

func gather(before, after *reports.Report) []*series {
	var all []*series
	index := map[string]*series{}
	of := func(key string, make series) *series {
		if index[key] == nil {
			index[key] = &make
			all = append(all, &make)
		}
		return index[key]
	}
	each := func(r *reports.Report, add func(s *series, values ...float64)) {
		classes := map[string]string{}
		for _, t := range r.Targets {
			classes[t.ID] = t.RuntimeClass
			if t.APIRequests > 0 {
				add(of("requests", series{what: "requests to the API server for a target", unit: "requests", lessIsBetter: true, share: shareOfPhase, atFew: shareOfPhase}), float64(t.APIRequests))
			}
			if t.ProbeCPU > 0 {
				add(of("cpu", series{what: "CPU time of the probes of one vantage", unit: "s", lessIsBetter: true, least: leastTime, share: shareOfPhase, atFew: shareOfPhaseWhereFew}), t.ProbeCPU.Seconds())
			}
		}
		for _, t := range r.Timings {
			add(of("phase "+t.Phase, series{what: "phase " + t.Phase, unit: "s", lessIsBetter: true, least: leastTime, share: shareOfPhase, atFew: shareOfPhaseWhereFew}), t.Duration.Seconds())
		}
		for _, f := range r.Figures {
			if f.Over != "" {
				continue // a course has no value of its own
			}
			what := f.Name + " at " + string(f.Vantage) + " of RuntimeClass " + classes[f.Target]
			add(of("figure "+what+f.Unit, series{what: what, unit: f.Unit, lessIsBetter: f.LessIsBetter, share: shareOfFigure, atFew: shareOfFigureWhereFew}), f.Samples...)
		}
	}
	each(before, func(s *series, values ...float64) { s.before = append(s.before, values...) })
	each(after, func(s *series, values ...float64) { s.after = append(s.after, values...) })
	return all
}

// spread is the median absolute deviation, which a few outliers do not move.
func spread(values []float64) float64 {
	middle := numbers.Median(values)
	distances := make([]float64, len(values))
	for i, value := range values {
		distances[i] = math.Abs(value - middle)
	}
	return numbers.Median(distances)
}
