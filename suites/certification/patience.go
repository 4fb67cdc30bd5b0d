package certification

import (
	"errors"
	"time"

	"github.com/katacert/katacert/fixtures/pods"
)

// patience is what is left of the grace period for a pod's problem that may mend
// itself. A problem that the pod's state shows is over when the state is another. A
// warning is over when it is not repeated, which nothing but time can tell: the
// kubelet mounts volumes, and then has the sandbox made, which takes minutes on a
// slow node without any word of it, and with the last failed try as the last word.
type patience struct {
	grace time.Duration
	// since is when the problem was met; zero while there is none.
	since time.Time
	// said is when the cluster last warned of it, by its clock, and heard when we
	// learnt of that, by ours.
	said, heard time.Time
	reason      string
	// past is when the cluster last said a warning that is taken for over, and
	// pastReason what it was.
	past       time.Time
	pastReason string
	timer      <-chan time.Time
}

// meet notes the problem that a pod has now; nil when it has none.
func (p *patience) meet(problem error, grace time.Duration) {
	var said time.Time
	var reason string
	var failure *pods.Failure
	if errors.As(problem, &failure) {
		said, reason = failure.Said, failure.Reason
	}
	now := time.Now()
	switch {
	case problem == nil, !said.IsZero() && said.Equal(p.past):
		p.since, p.timer = time.Time{}, nil
	case p.since.IsZero():
		p.grace, p.since, p.said, p.heard, p.reason = grace, now, said, now, reason
		p.timer = time.After(grace)
	case !said.Equal(p.said):
		p.said, p.heard, p.reason = said, now, reason
	}
}

// over is when the grace period ends, while there is a problem.
func (p *patience) over() <-chan time.Time { return p.timer }

// lost says whether the problem is still there at the end of the grace period.
// Pauses between the kubelet's tries double, up to two minutes: what fails still was
// said again in the second half of the time since it began. What was not is over,
// unless it was taken for over before, and came again.
func (p *patience) lost() bool {
	if p.said.IsZero() || p.heard.Sub(p.since) >= p.grace/2 || p.reason == p.pastReason {
		return true
	}
	p.past, p.pastReason = p.said, p.reason
	return false
}
