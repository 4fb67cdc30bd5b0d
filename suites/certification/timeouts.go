package certification

import (
	"strconv"
	"time"
)

// Timeouts are the named time-outs of a run, each a base value times one
// factor, so that a slow cluster needs one setting and not ten.
type Timeouts struct {
	// Scale is the factor. Probes multiply the bounds of their searches by it,
	// but for factors below 1, which would cut them short.
	Scale float64
	// Request is for one short request to the API server.
	Request time.Duration
	// Pods is for all pods of a target to run, image pulls included.
	Pods time.Duration
	// Grace is how long a condition that may mend itself (an unbound volume, a
	// full node) is borne before it is reported.
	Grace time.Duration
	// Round is for one exec with all probes of a vantage. The witness allows
	// itself 45 s times the factor to plant and to revert, and must be heard to
	// the end.
	Round time.Duration
	// GPUs is for one exec with all probes of a vantage that computes on GPUs, one after
	// the other, and for filling all their memory. A driver that was never used by the
	// sandbox needs seconds to start for each, and cards search hundreds of GB a second.
	GPUs time.Duration
	// TrainingImage is for a training image that the user names, many gigabytes, to be
	// pulled, besides Pods.
	TrainingImage time.Duration
	// Training is for the training job.
	Training time.Duration
	// Cleanup is for everything that a run made to be gone.
	Cleanup time.Duration
}

// DefaultTimeouts returns the base values times the factor.
func DefaultTimeouts(factor float64) Timeouts {
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) * factor) }
	return Timeouts{
		Scale:         factor,
		Request:       scale(15 * time.Second),
		Pods:          scale(2 * time.Minute),
		Grace:         scale(20 * time.Second),
		Round:         scale(time.Minute),
		GPUs:          scale(5 * time.Minute),
		TrainingImage: scale(20 * time.Minute),
		Training:      scale(3 * time.Minute),
		Cleanup:       scale(time.Minute),
	}
}

// Where time-outs are slowScale times as long and more, slowLooks pods of a node
// look at once, and slowStarts start at once. All of them together would keep a slow
// processor no less busy, and each of them waiting for longer than single steps on its
// way may take, such as the 30 s that kubelet and container runtime give a stream, and
// that Kata's Go shim gives the agent in a guest to say that it is alive.
const (
	slowScale  = 3
	slowLooks  = 4
	slowStarts = 4
	slowTrials = 2
)

// retry is how long to wait before a pod is made anew in place of one that the kubelet
// did not let in.
func (t Timeouts) retry() time.Duration { return t.Request / 30 }

// looksAtOnce is how many pods of a node look at once; negative is all of them.
func (t Timeouts) looksAtOnce() int { return t.atOnce(slowLooks, -1) }

// startsAtOnce is how many pods of a node start at once; negative is all of them.
func (t Timeouts) startsAtOnce() int { return t.atOnce(slowStarts, -1) }

// trialsAtOnce is how many annotated pods of a node there are at once at most.
func (t Timeouts) trialsAtOnce() int { return t.atOnce(slowTrials, trialsAtOnce) }

func (t Timeouts) atOnce(slow, otherwise int) int {
	if t.Scale >= slowScale {
		return slow
	}
	return otherwise
}

// Ending is how long a run that is stopped may take to end: the witness reverts
// what it planted, then the pods of the target go, and at last the namespaces; an
// annotated pod may have to go before all that.
func (t Timeouts) Ending() time.Duration { return 4*t.Cleanup + t.Request }

// scaled tells the command of a round the factor.
func (t Timeouts) scaled(argv []string) []string {
	if t.Scale <= 1 {
		return argv
	}
	return append(argv, "--timeout-scale", strconv.FormatFloat(t.Scale, 'g', -1, 64))
}
