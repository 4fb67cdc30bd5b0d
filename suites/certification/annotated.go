package certification

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// trialsAtOnce bounds how many annotated pods of one target there are at a time,
// however much room the node has.
const trialsAtOnce = 8

// What becomes of an annotated pod, in the words of suites/judge.
const (
	trialRan     = "ran"
	trialRefused = "refused"
	trialFailed  = "failed"
)

// trials is what became of annotated pods.
type trials struct {
	mu          sync.Mutex
	asked, said []string
}

func (t *trials) add(name, result, mark string, marked bool, message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := fmt.Sprintf("what=%s result=%s mark=%s", name, result, mark)
	if marked {
		line += " marked=yes"
	}
	t.asked = append(t.asked, line)
	if message != "" {
		t.said = append(t.said, fmt.Sprintf("asked %s: %s", name, printable(message)))
	}
}

// annotated lets a pod with each of the plan's annotations start and look, as many
// at a time as the node has room for, and observes what became of them. Only Kata
// Containers knows these annotations, so no pod is started for any other runtime.
func (t *targetRun) annotated(ctx context.Context) evidence.Observation {
	const probe = "annotations"
	if t.kind != judge.KindVM {
		return evidence.Observation{Probe: probe, State: evidence.Absent, Detail: "the subject is not run by Kata Containers: no annotation was tried"}
	}
	t.round(ctx, evidence.Trial, t.these(evidence.Subject)...)
	// The training jobs are done, and what they had is room for others.
	gone, cancel := context.WithTimeout(ctx, t.r.o.Timeouts.Cleanup)
	t.removeThese(gone, t.these(evidence.Trainer, evidence.TrainerReference, evidence.TrainerBlock), true)
	cancel()
	became := &trials{}
	var group errgroup.Group
	group.SetLimit(t.room(ctx))
	for _, name := range t.r.plan.annotations() {
		group.Go(func() error {
			t.try(ctx, name, became)
			return nil
		})
	}
	_ = group.Wait() // what goes wrong is in the observation
	return evidence.Observation{Probe: probe, State: evidence.Seen,
		Values: evidence.Values{"asked": evidence.List(became.asked...), "said": evidence.List(became.said...)}}
}

// try starts the pod with one annotation, lets it look where it runs, and takes it
// away. A pod that fails for another reason than its annotation is followed by the
// next one that writes the same annotation in another way.
func (t *targetRun) try(ctx context.Context, name string, became *trials) {
	mark := newNonce()[:16]
	marks := t.marks(mark)
	seats, err := t.annotatedSeats(name, marks)
	if err != nil {
		became.add(name, trialFailed, mark, false, err.Error())
		return
	}
	for i, s := range seats {
		result, marked, message := t.tryOne(ctx, s, mark)
		if result == trialFailed && !marked && i < len(seats)-1 && ctx.Err() == nil {
			continue
		}
		became.add(name, result, mark, marked, message)
		return
	}
}

func (t *targetRun) tryOne(ctx context.Context, s *seat, mark string) (result string, marked bool, message string) {
	defer func() {
		gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.r.o.Timeouts.Cleanup)
		defer cancel()
		t.removeThese(gone, []*seat{s}, true)
	}()
	if err := ctx.Err(); err != nil {
		return trialFailed, false, "the run ended before: " + context.Cause(ctx).Error()
	}
	t.start(ctx, s)
	if s.err == nil {
		t.r.evidence.add(t.look(ctx, s, evidence.Trial))
		t.witnessed(ctx, s)
		return trialRan, false, ""
	}
	var failure *pods.Failure
	refused := errors.As(s.err, &failure) && failure.Reason == pods.ReasonRefused
	// A Failure shortens what the runtime said, and may leave the mark out.
	for _, said := range t.r.watch.said(s.pod.UID) {
		refused = refused || pods.RefusesAnnotation(said)
		marked = marked || strings.Contains(said, mark)
	}
	if refused {
		return trialRefused, marked, s.err.Error()
	}
	return trialFailed, marked, s.err.Error()
}

// witnessed lets the witness look at the node while an annotated pod runs. Each look
// is a record of its own, for there is one for each such pod.
func (t *targetRun) witnessed(ctx context.Context, s *seat) {
	name, _ := s.vantage.Annotation()
	if !pods.SeenOnNode(name) || t.seat(evidence.Witness) == nil {
		return
	}
	record := t.look(ctx, t.witness(), evidence.Trial)
	record.Vantage = evidence.Witnessed(name)
	t.r.evidence.add(record)
}

// annotatedSeats are the seats of the pods with one annotation.
func (t *targetRun) annotatedSeats(name string, marks pods.Marks) ([]*seat, error) {
	o := t.podOptions()
	o.Namespace, o.RuntimeClass = t.r.namespaces.tenantA, t.target.Class.Name
	built, err := pods.Annotated(o, name, marks)
	if err != nil {
		return nil, err
	}
	var seats []*seat
	for _, pod := range built {
		s := &seat{vantage: evidence.Annotated(name), pod: pod, image: o.Image, final: marks.Mark}
		t.breakSeat(s)
		seats = append(seats, s)
	}
	return seats, nil
}

// marks is what annotations are told: where the witness's files are, and what the
// subject's guest has.
func (t *targetRun) marks(mark string) pods.Marks {
	marks := pods.Marks{Mark: mark, Folder: t.given[probes.ParamCalledFolder], MemoryMiB: 2048, CPUs: 1}
	for _, r := range t.r.evidence.of(t.target.ID) {
		if r.Vantage != evidence.Subject || r.Round != evidence.Trial {
			continue
		}
		load, _ := r.Observation("load")
		if kib, ok := load.Values.Number("mem_total_kib"); ok && kib > 0 && kib < mostMemoryKiB {
			marks.MemoryMiB = kib >> 10
		}
		if cpus, ok := load.Values.Number("cpus"); ok && cpus > 0 {
			marks.CPUs = cpus
		}
	}
	return marks
}

// mostMemoryKiB is more than any guest has: the subject's own word is not to be
// made an annotation whatever it is.
const mostMemoryKiB = int64(16 << 30)

// room is for how many annotated pods the node has room at a time, at least for
// one: whether that one fits is the scheduler's to say.
func (t *targetRun) room(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, t.r.o.Timeouts.Request)
	defer cancel()
	there, err := t.r.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.nodeName", t.target.Node.Name).String(),
	})
	if err != nil {
		t.r.o.Progress.Note(fmt.Sprintf("%s: how much room node %s has is not known, annotations are tried one at a time: %v", t.target.ID, t.target.Node.Name, err))
		return 1
	}
	s, err := t.annotatedSeats(pods.Annotations()[0], t.marks(""))
	if err != nil {
		return 1
	}
	one := s[0].pod
	one.Spec.NodeName = t.target.Node.Name
	if fixed := t.target.Class.Overhead; fixed != nil {
		one.Spec.Overhead = fixed.PodFixed
	}
	return fitting(t.target.Node, there.Items, *one, t.r.o.Timeouts.trialsAtOnce())
}

// fitting is how many pods like one fit onto a node beside those that are there, at
// least 1 and at most that many.
func fitting(node corev1.Node, there []corev1.Pod, one corev1.Pod, most int) int {
	fit := most
	for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods} {
		allocatable, known := node.Status.Allocatable[resource]
		needed := requested(one, resource)
		if !known || needed <= 0 {
			continue
		}
		free := allocatable.MilliValue()
		for _, pod := range there {
			if pod.Spec.NodeName == node.Name && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
				free -= requested(pod, resource)
			}
		}
		fit = min(fit, int(max(0, free)/needed))
	}
	return max(1, fit)
}

// requested is what the scheduler counts of a resource for a pod, in thousandths.
func requested(pod corev1.Pod, resource corev1.ResourceName) int64 {
	if resource == corev1.ResourcePods {
		return 1000
	}
	var together, before int64
	for _, c := range pod.Spec.Containers {
		together += c.Resources.Requests.Name(resource, "").MilliValue()
	}
	for _, c := range pod.Spec.InitContainers { // they run before the others, or go on beside them
		one := c.Resources.Requests.Name(resource, "").MilliValue()
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			together += one
		} else {
			before = max(before, one)
		}
	}
	overhead := pod.Spec.Overhead.Name(resource, "").MilliValue()
	return max(together, before) + overhead
}

// annotations lists the annotations that the plan's controls try.
func (p Plan) annotations() []string {
	var names []string
	for _, v := range p.Vantages {
		if name, is := v.Annotation(); is {
			names = append(names, name)
		}
	}
	return names
}
