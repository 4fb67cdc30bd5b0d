package certification

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// targetRun is the certification of one target.
type targetRun struct {
	r      *runner
	target Target
	seed   []byte
	seats  []*seat
	// acted is set while something of the witness's is planted on the node.
	acted bool
	// asked is when the API server was first asked, see ask.
	asked time.Time
	// given are the parameters that the witness gave for later rounds.
	given map[string]string
	// skip are probes that the tenants' and reference pods leave out.
	skip []string
	// last is set when no other target follows on the node, so that its pods
	// need not be gone before the namespaces are removed.
	last bool
}

// Steps of a target, for the progress.
const (
	stepsOfTarget    = 6
	stepsOfTraining  = 1
	stepsOfAftermath = 1
)

// certify lets the target's vantages look in rounds. Everything it learns goes
// to the file of evidence; what goes wrong becomes error records there.
func (t *targetRun) certify(ctx context.Context) {
	t.seed, t.given = newSecret(), map[string]string{}
	t.phase("deploy", func() { t.deploy(ctx) })
	// Whatever happens, the witness takes back what it planted.
	defer func() {
		if t.acted {
			settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.r.o.Timeouts.Cleanup)
			defer cancel()
			t.phase("settle", func() { t.round(settle, evidence.Settle, t.witness()) })
		}
		t.phase("delete pods", func() { t.remove(context.WithoutCancel(ctx)) })
	}()
	answers := t.ask(ctx)
	if t.r.plan.needs(evidence.Trainer) {
		t.phase("training", func() { t.train(ctx) })
	}
	// The witness looks first, alone: a counter that everyone reads afterwards
	// lies between its readings.
	t.phase("look", func() {
		t.round(ctx, evidence.Look, t.witness())
		t.round(ctx, evidence.Look, t.others()...)
	})
	t.phase("act", func() {
		t.acted = t.witness().err == nil
		t.round(ctx, evidence.Act, t.witness())
		if t.r.plan.tenants() {
			t.round(ctx, evidence.Act, t.these(evidence.Subject, evidence.Neighbour, evidence.Reference)...)
		}
	})
	t.phase("look again", func() {
		t.round(ctx, evidence.LookAgain, t.others()...)
		t.round(ctx, evidence.LookAgain, t.witness())
		if t.r.plan.tenants() {
			t.round(ctx, evidence.Settle, t.these(evidence.Subject, evidence.Neighbour)...)
		}
	})
	answered := answers() // while the pods asked about still run
	t.phase("settle", func() {
		settled, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.r.o.Timeouts.Cleanup)
		defer cancel()
		t.round(settled, evidence.Settle, t.witness())
		t.acted = false
	})
	// Only now: with the tenants' pods goes what they left in folders of the node.
	if t.r.plan.aftermath() {
		t.phase("aftermath", func() { t.aftermath(ctx) })
	}
	t.r.evidence.add(t.askAPI(ctx, answered))
}

func (t *targetRun) phase(name string, do func()) {
	t.r.o.Progress.Phase(t.target.ID, name)
	start := time.Now().UTC()
	do()
	t.r.timing(reports.Timing{Phase: name, Target: t.target.ID, Started: start, Duration: time.Since(start)})
	t.r.o.Progress.Done(1)
}

func (t *targetRun) witness() *seat { return t.seats[0] }

// others are the seats that look in the ordinary rounds, the witness apart.
func (t *targetRun) others() []*seat {
	return slices.DeleteFunc(slices.Clone(t.seats), func(s *seat) bool {
		return s.vantage == evidence.Witness || s.vantage == evidence.Trainer || succeeds(s.vantage)
	})
}

// these are the seats of the given vantages, as far as the target has them.
func (t *targetRun) these(vantages ...evidence.Vantage) []*seat {
	return slices.DeleteFunc(slices.Clone(t.seats), func(s *seat) bool { return !slices.Contains(vantages, s.vantage) })
}

// params is what only a round of this target knows: where the node and the other
// tenant are, and what the witness gave.
func (t *targetRun) params(s *seat) map[string]string {
	params := map[string]string{}
	maps.Copy(params, t.given)
	for _, address := range t.target.Node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP && params[probes.ParamNodeIP] == "" {
			params[probes.ParamNodeIP] = address.Address
		}
	}
	peer := evidence.Neighbour
	if s.vantage == evidence.Neighbour {
		peer = evidence.Subject
	}
	if other := t.seat(peer); other != nil && other.pod != nil && other.pod.Status.PodIP != "" {
		params[probes.ParamPeerIP] = other.pod.Status.PodIP
	}
	if s.vantage == evidence.Witness {
		params[probes.ParamPods] = strings.Join(t.podUIDs(), ",")
		params[probes.ParamHandler] = t.target.Class.Handler
	}
	return params
}

// podUIDs are the UIDs of the target's pods, by which their folders on the node
// are called.
func (t *targetRun) podUIDs() []string {
	var uids []string
	for _, s := range t.seats {
		if s.pod != nil && s.pod.UID != "" {
			uids = append(uids, string(s.pod.UID))
		}
	}
	return uids
}

func (t *targetRun) seat(v evidence.Vantage) *seat {
	for _, s := range t.seats {
		if s.vantage == v {
			return s
		}
	}
	return nil
}

// deploy creates the pods of all vantages at once and waits for all of them.
func (t *targetRun) deploy(ctx context.Context) {
	t.seats = append(t.seats, t.prepare(evidence.Witness))
	for _, v := range t.r.plan.Vantages {
		t.seats = append(t.seats, t.prepare(v))
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

// startAll creates pods at once and waits for all of them.
func (t *targetRun) startAll(ctx context.Context, seats []*seat) {
	var wait sync.WaitGroup
	for _, s := range seats {
		wait.Go(func() { t.start(ctx, s) })
	}
	wait.Wait()
}

// prepare makes the pod of a vantage, not yet created.
func (t *targetRun) prepare(v evidence.Vantage) *seat {
	o := pods.Options{
		Run: t.r.o.RunID, Target: t.target.ID, Node: t.target.Node.Name, Image: t.r.o.Images.Probe,
		PullPolicy: t.r.o.Images.PullPolicy, Namespace: t.r.namespaces.node, RuntimeClass: t.r.plan.Reference,
	}
	if t.r.o.Images.PullSecret != nil {
		o.PullSecrets = []string{t.r.o.Images.PullSecret.Name}
	}
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
	case v == evidence.Trainer:
		o.Namespace, o.RuntimeClass, o.Image = t.r.namespaces.tenantA, t.target.Class.Name, t.r.o.Images.Trainer
		s.image = o.Image
		s.pod = t.trainingPod(o)
	case weakened:
		s.pod, s.err = pods.Weakened(o, pods.Weakness(weakness))
	default:
		s.err = fmt.Errorf("there is no pod for vantage %q", v)
	}
	t.breakSeat(s)
	return s
}

// start creates the pod of a seat and waits until it runs as asked.
func (t *targetRun) start(ctx context.Context, s *seat) {
	if s.err != nil {
		return
	}
	if s.vantage == evidence.Trainer {
		if s.err = t.claimVolume(ctx); s.err != nil {
			return
		}
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
	running, err := t.r.watch.running(ctx, created, t.r.o.Timeouts)
	if err != nil {
		s.err = err
		return
	}
	s.pod = running
	s.err = genuine(running, t.target.Node.Name, s.image, t.r.o.Images.Manifests[digestOf(s.image)])
}

// round lets the given seats look at the same time, one exec each.
func (t *targetRun) round(ctx context.Context, round evidence.Round, seats ...*seat) {
	var group errgroup.Group
	for _, s := range seats {
		group.Go(func() error {
			record := t.look(ctx, s, round)
			if s.vantage == evidence.Witness {
				t.check(&record)
				maps.Copy(t.given, probes.Given(record.Observations))
				if round == evidence.Look {
					t.spare(record)
				}
			}
			t.r.evidence.add(record)
			return nil
		})
	}
	_ = group.Wait() // look never fails; what goes wrong is in the record
}

// spare lets nobody burn CPU time where the subject's kernel is a process by
// design: there is no virtual machine monitor to bind it to.
func (t *targetRun) spare(witnessed evidence.Record) {
	shims, ok := witnessed.Observation("shims")
	subject := t.seat(evidence.Subject)
	if !ok || subject == nil || subject.pod == nil {
		return
	}
	sandbox, err := judge.SandboxIn(shims, string(subject.pod.UID))
	if err == nil && sandbox.Kind() == judge.KindUserKernel {
		t.skip = []string{"burn"}
	}
}

// check makes sure that the witness stands on the node: the boot id that it
// reads must be the one that the node's own kubelet reports. A witness that was
// put into a sandbox, or onto another node, would make every comparison false.
func (t *targetRun) check(record *evidence.Record) {
	o, ok := record.Observation("boot-id")
	if record.Error != "" || record.Round != evidence.Look {
		return
	}
	want := t.target.Node.Status.NodeInfo.BootID
	if got, _ := o.Values.Text("boot_id"); !ok || got != want {
		reason := fmt.Sprintf("the witness reads boot id %q and the node's kubelet reports %q: it does not stand on node %s (is the reference RuntimeClass a plain container?)",
			got, want, t.target.Node.Name)
		record.Error, record.Observations = reason, nil
		t.witness().err = fmt.Errorf("%s", reason)
	}
}

// askAPI records what the API server says of the target, besides what it answered
// to other accounts.
func (t *targetRun) askAPI(ctx context.Context, answered []evidence.Observation) evidence.Record {
	s := &seat{vantage: evidence.API}
	record := t.blank(s, evidence.Look, newNonce())
	record.Started = t.asked
	record.Observations = append([]evidence.Observation{t.askClass(ctx), t.overhead()}, answered...)
	record.Finished = time.Now().UTC()
	return record
}

// askClass observes what became of the RuntimeClass: the node's handlers, and the
// class that the pods under test kept.
func (t *targetRun) askClass(ctx context.Context) evidence.Observation {
	const probe = "runtimeclass"
	ctx, cancel := context.WithTimeout(ctx, t.r.o.Timeouts.Request)
	defer cancel()
	node, err := t.r.client.CoreV1().Nodes().Get(ctx, t.target.Node.Name, metav1.GetOptions{})
	if err != nil {
		return evidence.Observation{Probe: probe, State: evidence.Failed, Detail: fmt.Sprintf("read node %s: %v", t.target.Node.Name, err)}
	}
	handlers := []string{}
	for _, h := range node.Status.RuntimeHandlers {
		if h.Name != "" {
			handlers = append(handlers, h.Name)
		}
	}
	values := evidence.Values{
		"runtime_class": evidence.Text(t.target.Class.Name),
		"handler":       evidence.Text(t.target.Class.Handler),
		"node_handlers": evidence.List(handlers...),
		"node_runtime":  evidence.Text(node.Status.NodeInfo.ContainerRuntimeVersion),
	}
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.Neighbour, evidence.GuestRoot, evidence.Trainer} {
		if s := t.seat(v); s != nil && s.pod != nil && s.err == nil {
			values[string(v)+"_runtime_class"] = evidence.Text(describe(s.pod, "").RuntimeClass)
		}
	}
	return evidence.Observation{Probe: probe, State: evidence.Seen, Values: values}
}

// overhead observes what the scheduler counted for pods besides their containers,
// and what their RuntimeClass says of it, in bytes of memory.
func (t *targetRun) overhead() evidence.Observation {
	values := evidence.Values{"class_overhead_bytes": evidence.Number(0)}
	if fixed := t.target.Class.Overhead; fixed != nil {
		values["class_overhead_bytes"] = evidence.Number(fixed.PodFixed.Memory().Value())
	}
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.Reference} {
		s := t.seat(v)
		if s == nil || s.pod == nil || s.err != nil {
			continue
		}
		var requests int64
		for _, c := range s.pod.Spec.Containers {
			requests += c.Resources.Requests.Memory().Value()
		}
		values[string(v)+"_overhead_bytes"] = evidence.Number(s.pod.Spec.Overhead.Memory().Value())
		values[string(v)+"_requests_bytes"] = evidence.Number(requests)
	}
	return evidence.Observation{Probe: "overhead", State: evidence.Seen, Values: values}
}

// remove deletes the target's pods. Where another target follows, it waits until
// they are gone, so that the next one finds the node as this one did.
func (t *targetRun) remove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, t.r.o.Timeouts.Cleanup)
	defer cancel()
	t.removeThese(ctx, t.seats, !t.last)
}

// gone waits until the pod does not exist any more, or ctx ends.
func (w *watcher) gone(ctx context.Context, pod *corev1.Pod) {
	for {
		now, changed, _ := w.pod(pod.UID)
		if now == nil {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
