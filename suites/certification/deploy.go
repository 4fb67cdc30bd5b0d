package certification

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
)

// deploy creates the pods of all vantages at once and waits for all of them.
func (t *targetRun) deploy(ctx context.Context) {
	t.seats = append(t.seats, t.prepare(evidence.Witness))
	for _, v := range t.r.plan.Vantages {
		if _, annotated := v.Annotation(); annotated || v.GPU() { // they come later, see annotated, or are chosen below
			continue
		}
		if v == evidence.TrainerReference && t.r.referenceFirst() { // it was here already, see trainOnRunc
			continue
		}
		t.seats = append(t.seats, t.prepare(v))
	}
	if t.r.plan.gpus() {
		t.share = t.gpuShare(ctx)
		given, withheld := t.chooseGPUVantages(t.share)
		t.withheld = withheld
		for _, v := range given {
			t.seats = append(t.seats, t.prepare(v))
		}
	}
	for _, batch := range t.batches() {
		t.startAll(ctx, batch)
	}
}

// batches are the seats whose pods are started together: all that succeed nobody,
// unless the run's mutant wants the subject to come last.
func (t *targetRun) batches() [][]*seat {
	first := slices.DeleteFunc(slices.Clone(t.seats), func(s *seat) bool { return succeeds(s.vantage) })
	if m := t.r.o.Mutant; m == nil || !m.SubjectLast {
		return [][]*seat{first}
	}
	last := slices.DeleteFunc(slices.Clone(first), func(s *seat) bool { return s.vantage != evidence.Subject })
	first = slices.DeleteFunc(first, func(s *seat) bool { return s.vantage == evidence.Subject })
	return [][]*seat{first, last}
}

// startAll creates pods, as many at once as the node bears, and waits for all of them.
func (t *targetRun) startAll(ctx context.Context, seats []*seat) {
	var group errgroup.Group
	group.SetLimit(t.r.o.Timeouts.startsAtOnce())
	for _, s := range seats {
		group.Go(func() error {
			t.start(ctx, s)
			return nil
		})
	}
	_ = group.Wait() // what goes wrong is in the seat
}

// prepare makes the pod of a vantage, not yet created.
func (t *targetRun) prepare(v evidence.Vantage) *seat {
	o := t.podOptions()
	s := &seat{vantage: v, image: o.Image}
	weakness, weakened := v.Weakness()
	switch {
	case v == evidence.Witness:
		s.pod = pods.Witness(o)
	case v == evidence.Reference:
		s.data = t.data(v)
		o.Data = s.data
		s.pod = pods.Reference(o)
	case v == evidence.Subject:
		s.data = t.data(v)
		o.Namespace, o.RuntimeClass, o.Data = t.r.namespaces.tenantA, t.target.Class.Name, s.data
		s.pod = pods.Subject(o)
	case v == evidence.Neighbour:
		s.data = t.data(v)
		o.Namespace, o.RuntimeClass, o.Data = t.r.namespaces.tenantB, t.target.Class.Name, s.data
		s.pod = pods.Neighbour(o)
	case v == evidence.GuestRoot:
		o.RuntimeClass = t.target.Class.Name
		s.pod = pods.GuestRoot(o)
	case v == evidence.SubjectSuccessor:
		o.Namespace, o.RuntimeClass = t.r.namespaces.tenantA, t.target.Class.Name
		s.pod = pods.Successor(o, v)
	case v == evidence.NeighbourSuccessor:
		o.Namespace, o.RuntimeClass = t.r.namespaces.tenantB, t.target.Class.Name
		s.pod = pods.Successor(o, v)
	case trains(v):
		t.prepareTraining(s, o)
	case v.GPU():
		t.gpuImage(s, &o)
		s.pod, s.err = t.gpuPod(v, o)
	case weakened:
		s.pod, s.err = pods.Weakened(o, pods.Weakness(weakness))
	default:
		s.err = fmt.Errorf("there is no pod for vantage %q", v)
	}
	t.breakSeat(s)
	return s
}

// podOptions are those that all pods of the target have in common. The namespace is
// the one for privileged pods, the RuntimeClass that of the reference.
func (t *targetRun) podOptions() pods.Options {
	o := pods.Options{
		Run: t.r.o.RunID, Target: t.target.ID, Node: t.target.Node.Name, Image: t.r.o.Images.Probe,
		PullPolicy: t.r.o.Images.PullPolicy, Namespace: t.r.namespaces.node, RuntimeClass: t.r.plan.Reference,
	}
	if t.r.o.Images.PullSecret != nil {
		o.PullSecrets = []string{t.r.o.Images.PullSecret.Name}
	}
	return o
}

// start creates the pod of a seat and waits until it runs as asked.
func (t *targetRun) start(ctx context.Context, s *seat) {
	if s.err != nil || s.absent != "" {
		return
	}
	if s.err = t.claimVolume(ctx, s); s.err != nil {
		return
	}
	if s.err = t.claimData(ctx, s); s.err != nil {
		return
	}
	created, err := t.r.client.CoreV1().Pods(s.pod.Namespace).Create(ctx, s.pod, metav1.CreateOptions{})
	if err != nil {
		s.err = pods.Refused(s.pod, err)
		return
	}
	s.pod = created
	timeouts := t.r.o.Timeouts
	if s.image == t.r.o.Training.Image {
		timeouts.Pods += timeouts.TrainingImage
	}
	running, err := t.r.watch.running(ctx, created, timeouts, s.final)
	if err != nil {
		s.err = t.explain(ctx, err)
		return
	}
	s.pod = running
	s.err = genuine(running, t.target.Node.Name, s.image, t.r.o.Images.Manifests[digestOf(s.image)])
}
