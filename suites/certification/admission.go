package certification

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
)

// plain is the pod that differs from the others of a question in nothing but what
// these ask for. Where it is not admitted, their refusal says nothing.
const plain = "plain"

// trial is one pod to be tried by dry run in a tenant's namespace, where it must
// be refused, and in the run's for privileged pods, where it must be admitted.
type trial struct {
	what  string
	class string
	by    kubernetes.Interface
	make  func(*corev1.Pod)
	// judge decides on what was admitted; nil for granted.
	judge func(admitted *corev1.Pod) reply
}

// try sends the trials and waits for the answers.
func (a *asker) try(ctx context.Context, into *replies, trials []trial) {
	var group errgroup.Group
	for _, t := range trials {
		for _, place := range []struct {
			namespace string
			list      *[]reply
		}{{a.r.namespaces.tenantA, &into.asked}, {a.r.namespaces.node, &into.show}} {
			group.Go(func() error {
				a.bounded(ctx, func(ctx context.Context) { into.add(place.list, a.dryRun(ctx, t, place.namespace)) })
				return nil
			})
		}
	}
	_ = group.Wait() // what goes wrong is in the answers
}

func (a *asker) dryRun(ctx context.Context, t trial, namespace string) reply {
	pod := pods.Subject(pods.Options{
		Run: a.r.o.RunID, Name: pods.LabelValue("trial-" + t.what + "-" + a.class), Namespace: namespace, Node: a.node,
		RuntimeClass: t.class, Image: a.r.o.Images.Probe, PullPolicy: a.r.o.Images.PullPolicy,
	})
	if t.make != nil {
		t.make(pod)
	}
	created, err := t.by.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil && t.judge != nil {
		one := t.judge(created)
		one.what = t.what
		return one
	}
	return admitted(t.what, err)
}

// stillHas judges an admitted pod by whether it still has what it must not be given.
func stillHas(has func(*corev1.Pod) bool) func(*corev1.Pod) reply {
	return func(pod *corev1.Pod) reply {
		if has(pod) {
			return reply{result: granted}
		}
		return reply{result: refused, notes: []string{"by=mutation"}}
	}
}

// admission asks for everything that a tenant's pod must not be given: in pods of
// the tenant, in one that the ReplicaSet controller would make for it, and in an
// ephemeral container.
func (a *asker) admission(ctx context.Context) evidence.Observation {
	tenant, err := a.tenant(ctx, a.r.namespaces.tenantA)
	if err != nil {
		return failed(err)
	}
	controller, err := a.controller()
	if err != nil {
		return failed(err)
	}
	trials := []trial{{what: plain, class: a.class, by: tenant}}
	for _, demand := range pods.Demands() {
		trials = append(trials, trial{what: demand.Name, class: a.class, by: tenant, make: demand.Make, judge: stillHas(demand.Kept)})
		if demand.Name == pods.DemandPrivileged {
			trials = append(trials, trial{what: "controller-" + demand.Name, class: a.class, by: controller, make: demand.Make, judge: stillHas(demand.Kept)})
		}
	}
	var got replies
	var group errgroup.Group
	group.Go(func() error { a.try(ctx, &got, trials); return nil })
	for list, pod := range map[*[]reply]*corev1.Pod{&got.asked: a.pods[evidence.Subject], &got.show: a.pods[evidence.Reference]} {
		group.Go(func() error {
			one, _ := a.addEphemeral(ctx, tenant, pod, true)
			got.add(list, one)
			return nil
		})
	}
	_ = group.Wait() // what goes wrong is in the answers
	notes := got.dropUnasked()
	return got.seen(evidence.Values{"controller": evidence.Text(cmp.Or(notes, "asked as "+replicaSetController))})
}

// addEphemeral tries to add an ephemeral container to a running pod, and returns
// that pod as it would be.
func (a *asker) addEphemeral(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, privileged bool) (one reply, patched *corev1.Pod) {
	what := "ephemeral"
	if privileged {
		what += "-" + pods.DemandPrivileged
	}
	if pod == nil {
		return reply{what: what, result: erred, said: "the pod to which the container would be added does not run"}, nil
	}
	patch, err := pods.EphemeralPatch(a.r.o.Images.Probe, privileged)
	if err != nil {
		return reply{what: what, result: erred, said: err.Error()}, nil
	}
	a.bounded(ctx, func(ctx context.Context) {
		patched, err = client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch,
			metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}, "ephemeralcontainers")
	})
	one = admitted(what, err)
	if err == nil && privileged && !pods.PrivilegedEphemeral(patched) {
		one.result, one.notes = refused, []string{"by=mutation"}
	}
	return one, patched
}

// dropUnasked leaves out what could not be asked because katacert's own user may
// not impersonate, and says so: that user needs no such right for anything else.
func (a *replies) dropUnasked() (why string) {
	unasked := func(one reply) bool {
		cannot := one.result == erred && strings.Contains(one.said, "cannot impersonate resource")
		if cannot {
			why = "not asked: " + printable(one.said)
		}
		return cannot
	}
	a.asked = slices.DeleteFunc(a.asked, unasked)
	a.show = slices.DeleteFunc(a.show, unasked)
	return why
}
