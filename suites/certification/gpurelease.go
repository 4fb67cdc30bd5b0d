package certification

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
)

// How a pod with GPUs ends.
const (
	deleted = "deleted"
	killed  = "killed"
)

// endings are those of the pods that are given GPUs one after the other.
var endings = []string{deleted, killed, killed, deleted}

// admissionRefused is the reason by which the kubelet fails a pod that came for devices
// which it still counts for another one (pkg/kubelet/lifecycle/predicate.go).
const admissionRefused = "UnexpectedAdmissionError"

// givesGPUs says whether the target's node has GPUs for pods of the run.
func (t *targetRun) givesGPUs() bool { return t.seat(evidence.GPUSubject) != nil }

// needsRelease says whether the plan wants pods that are given GPUs one after the
// other.
func (p Plan) needsRelease() bool {
	return slices.ContainsFunc(p.Controls, func(c catalogue.Control) bool { return c.NeedsGPURelease })
}

// handGPUs takes the GPUs from the pods that looked at them and gives them to others,
// as the plan's controls want it. What came of it is for the judge.
func (t *targetRun) handGPUs(ctx context.Context) []evidence.Observation {
	var observations []evidence.Observation
	gone, cancel := context.WithTimeout(ctx, t.r.o.Timeouts.Cleanup)
	t.removeThese(gone, t.gpuSeats(), true)
	cancel()
	if t.r.plan.needs(evidence.GPUSuccessor) && t.computes() {
		observations = append(observations, t.bequeathGPUs(ctx))
	}
	if t.r.plan.needsRelease() {
		observations = append(observations, t.release(ctx))
	}
	return observations
}

// release gives all free GPUs of the node to one pod after the other, and asks for one
// more than there are.
func (t *targetRun) release(ctx context.Context) evidence.Observation {
	var tried []string
	for i, died := range endings {
		name := fmt.Sprintf("gpu-release-%d", i+1)
		s, err := t.letIn(ctx, func() *seat {
			pod := pods.GPU(t.gpuOptions(name), evidence.GPUSubject, t.r.o.gpuResource(), t.share.free())
			return &seat{vantage: evidence.GPUSubject, image: t.r.o.Images.Probe, pod: pod}
		})
		line := fmt.Sprintf("n=%d died=%s result=running", i+1, died)
		if err != nil {
			line = fmt.Sprintf("n=%d died=%s result=failed why=%s", i+1, died, url.PathEscape(printable(err.Error())))
		}
		tried = append(tried, line)
		t.end(ctx, s, died)
		if err != nil {
			break // whoever comes next waits for the same
		}
	}
	values := evidence.Values{"tried": evidence.List(tried...)}
	result, why := t.askTooMany(ctx)
	values["too_many"], values["too_many_why"] = evidence.Text(result), evidence.Text(why)
	return evidence.Observation{Probe: "gpu-release", State: evidence.Seen, Values: values}
}

// askTooMany has a pod ask for one GPU more than the node has, and tells what came of
// it: "refused" by the scheduler, "running", or "unknown".
func (t *targetRun) askTooMany(ctx context.Context) (result, why string) {
	s := &seat{vantage: evidence.GPUSubject, image: t.r.o.Images.Probe, final: "Insufficient " + t.r.o.gpuResource()}
	o := t.gpuOptions("gpu-too-many")
	s.pod = pods.GPU(o, evidence.GPUSubject, t.r.o.gpuResource(), t.share.allocatable+1)
	t.start(ctx, s)
	defer t.end(ctx, s, killed)
	var failure *pods.Failure
	switch {
	case s.err == nil:
		return "running", ""
	case errors.As(s.err, &failure) && failure.Reason == corev1.PodReasonUnschedulable:
		return "refused", printable(failure.Message)
	case errors.As(s.err, &failure) && strings.Contains(failure.Message, s.final):
		return "refused", printable(failure.Message)
	default:
		return "unknown", printable(s.err.Error())
	}
}

// gpuOptions are those of a further pod of the first tenant that asks for GPUs.
func (t *targetRun) gpuOptions(name string) pods.Options {
	o := t.podOptions()
	o.Name = pods.Name(evidence.Vantage(name), t.target.ID)
	o.RuntimeClass, o.Namespace = t.target.Class.Name, t.r.namespaces.tenantA
	return o
}

// letIn starts a pod that asks for GPUs, which fresh makes. A pod that was killed is gone from the API
// server before the kubelet has given its devices back, and the kubelet then fails the
// next one for good: another is made until one is let in, or the time for pods is over.
func (t *targetRun) letIn(ctx context.Context, fresh func() *seat) (*seat, error) {
	limit := t.r.o.Timeouts.Pods
	var s *seat
	err := wait.PollUntilContextTimeout(ctx, t.r.o.Timeouts.retry(), limit, true, func(ctx context.Context) (bool, error) {
		s = fresh()
		t.start(ctx, s)
		var failure *pods.Failure
		if errors.As(s.err, &failure) && failure.Reason == admissionRefused {
			t.end(ctx, s, deleted)
			return false, nil
		}
		return true, s.err
	})
	if wait.Interrupted(err) && s.err != nil {
		err = fmt.Errorf("%w: so did every pod that came for its GPUs within %v", s.err, limit)
	}
	s.err = err
	return s, err
}

// end takes a pod away, in the way that was asked for, and waits until the API server
// has it no more.
func (t *targetRun) end(ctx context.Context, s *seat, died string) {
	if s == nil || s.pod == nil || s.pod.UID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.r.o.Timeouts.Cleanup)
	defer cancel()
	options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &s.pod.UID}}
	if died == killed {
		options.GracePeriodSeconds = new(int64(0))
	}
	// The namespace goes anyway; an error here shows there.
	_ = t.r.client.CoreV1().Pods(s.pod.Namespace).Delete(ctx, s.pod.Name, options)
	t.r.watch.gone(ctx, s.pod)
}
