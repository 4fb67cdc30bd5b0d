package certification

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/probes/evidence"
)

// succeeds says whether a vantage is a tenant's second pod, which starts only
// after the first pods of both tenants are gone.
func succeeds(v evidence.Vantage) bool {
	return v == evidence.SubjectSuccessor || v == evidence.NeighbourSuccessor
}

// aftermath takes both tenants' pods away, starts a new one of each tenant on the
// same node, and lets them and the control vantages look for what the first ones
// left.
func (t *targetRun) aftermath(ctx context.Context) {
	tenants := t.these(evidence.Subject, evidence.Neighbour)
	successors := t.these(evidence.SubjectSuccessor, evidence.NeighbourSuccessor)
	gone, cancel := context.WithTimeout(ctx, t.r.o.Timeouts.Cleanup)
	t.removeThese(gone, tenants, true)
	cancel()
	for _, s := range tenants {
		if s.pod == nil || s.pod.UID == "" {
			continue
		}
		if now, _, _ := t.r.watch.pod(s.pod.UID); now != nil {
			for _, successor := range successors {
				successor.err = fmt.Errorf("it was not started, because pod %s/%s does not go away", s.pod.Namespace, s.pod.Name)
			}
		}
	}
	t.startAll(ctx, successors)
	controls := map[evidence.Vantage]bool{}
	for _, c := range t.r.plan.Controls {
		if c.NeedsAftermath && c.Rule != nil {
			controls[c.Rule.Control] = true
		}
	}
	seats := successors
	for _, s := range t.seats {
		if controls[s.vantage] {
			seats = append(seats, s)
		}
	}
	t.round(ctx, evidence.Aftermath, seats...)
}

// removeThese deletes pods and, where told so, waits until they are gone or ctx
// ends.
func (t *targetRun) removeThese(ctx context.Context, seats []*seat, wait bool) {
	var group errgroup.Group
	for _, s := range seats {
		if s.pod == nil || s.pod.UID == "" {
			continue
		}
		group.Go(func() error {
			// The namespace goes anyway; an error here shows there.
			_ = t.r.client.CoreV1().Pods(s.pod.Namespace).Delete(ctx, s.pod.Name, metav1.DeleteOptions{
				Preconditions: &metav1.Preconditions{UID: &s.pod.UID},
			})
			if wait {
				t.r.watch.gone(ctx, s.pod)
			}
			return nil
		})
	}
	_ = group.Wait()
}
