package certification

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

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
	// kind is what the subject's sandbox is, once the witness has seen it.
	kind judge.Kind
	// skip are probes that the tenants' and reference pods leave out.
	skip []string
	// share is what the run may have of the node's GPUs, withheld why some vantages have
	// none.
	share    gpuShare
	withheld string
	// last is set when no other target follows on the node, so that its pods
	// need not be gone before the namespaces are removed.
	last bool
}

// Steps of a target, for the progress.
const (
	stepsOfTarget      = 6
	stepsOfTraining    = 1
	stepsOfAnnotations = 1
	stepsOfAftermath   = 1
	stepsOfGPUs        = 1
)

// certify lets the target's vantages look in rounds. Everything it learns goes
// to the file of evidence; what goes wrong becomes error records there.
func (t *targetRun) certify(ctx context.Context) {
	t.seed, t.given = newSecret(), map[string]string{}
	if t.r.referenceFirst() {
		t.phase("training on runc", func() { t.trainOnRunc(ctx) })
	}
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
		t.round(ctx, evidence.Look, slices.Concat(t.others(), t.gpuSeats())...)
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
	// What annotations name is planted until the witness settles.
	if len(t.r.plan.annotations()) > 0 {
		t.phase("annotations", func() { answered = append(answered, t.annotated(ctx)) })
	}
	if t.givesGPUs() {
		t.phase("GPUs", func() { answered = append(answered, t.handGPUs(ctx)...) })
	}
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
		return s.vantage == evidence.Witness || trains(s.vantage) || succeeds(s.vantage) || s.vantage.GPU()
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
		if t.r.plan.gpus() {
			params[probes.ParamGPUResource] = t.r.o.gpuResource()
			params[probes.ParamNamespaces] = strings.Join([]string{t.r.namespaces.node, t.r.namespaces.tenantA, t.r.namespaces.tenantB}, ",")
		}
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
