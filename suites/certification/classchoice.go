package certification

import (
	"cmp"
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/katacert/katacert/probes/evidence"
)

// classChoice asks for pods that are in no sandbox: with no RuntimeClass, or with
// that of plain containers, by the tenant and by the controller that makes the
// pods of Deployments. An ephemeral container has no class of its own and joins
// the pod's sandbox; whether one may be added is recorded.
func (a *asker) classChoice(ctx context.Context) evidence.Observation {
	tenant, err := a.tenant(ctx, a.r.namespaces.tenantA)
	if err != nil {
		return failed(err)
	}
	controller, err := a.controller()
	if err != nil {
		return failed(err)
	}
	trials := []trial{
		{what: plain, class: a.class, by: tenant},
		{what: "no-class", by: tenant, judge: a.outside},
		{what: "controller-no-class", by: controller, judge: a.outside},
	}
	if reference := a.r.plan.Reference; reference != "" && !slices.Contains(a.classes, reference) {
		trials = append(trials, trial{what: "reference-class", class: reference, by: tenant, judge: a.outside})
	}
	var got replies
	a.try(ctx, &got, trials)
	notes := got.dropUnasked()
	ephemeral, patched := a.addEphemeral(ctx, tenant, a.pods[evidence.Subject], false)
	record := ephemeral.result
	if patched != nil {
		record += ", in a pod of RuntimeClass " + classOf(patched)
	}
	return got.seen(evidence.Values{
		"controller": evidence.Text(cmp.Or(notes, "asked as "+replicaSetController)),
		"ephemeral":  evidence.Text(record),
	})
}

// outside judges an admitted pod by whether it is in no class under
// certification. One that was forced into such a class is as good as refused.
func (a *asker) outside(pod *corev1.Pod) reply {
	class := classOf(pod)
	if slices.Contains(a.classes, class) {
		return reply{result: refused, notes: []string{"by=mutation", "class=" + class}}
	}
	return reply{result: granted, notes: []string{"class=" + class}}
}

func classOf(pod *corev1.Pod) string {
	if pod.Spec.RuntimeClassName == nil {
		return "none"
	}
	return *pod.Spec.RuntimeClassName
}
