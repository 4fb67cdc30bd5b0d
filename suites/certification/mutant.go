package certification

import (
	"context"
	"fmt"

	"github.com/katacert/katacert/fixtures/mutants"
	"github.com/katacert/katacert/fixtures/pods"
)

// mutate makes the objects of the run's mutant, where it has one.
func (r *runner) mutate(ctx context.Context) error {
	m := r.o.Mutant
	if m == nil {
		return nil
	}
	r.mu.Lock()
	r.report.Notices = append(r.report.Notices, fmt.Sprintf("Deliberately broken: mutant %s (%s). This run tests the suite and says nothing about the cluster.", m.ID, m.Broken))
	r.mu.Unlock()
	if m.Make == nil {
		return nil
	}
	undo, err := m.Make(ctx, r.client, mutants.Site{Run: pods.LabelValue(r.o.RunID), TenantA: r.namespaces.tenantA, TenantB: r.namespaces.tenantB})
	r.undo = undo
	if err != nil {
		return fmt.Errorf("make mutant %s: %w", m.ID, err)
	}
	return nil
}

// unmutate takes back what does not go with the run's namespaces.
func (r *runner) unmutate(ctx context.Context) {
	if r.undo == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeouts.Request)
	defer cancel()
	if err := r.undo(ctx); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Leftovers = append(r.report.Leftovers, fmt.Sprintf("mutant %s: %v", r.o.Mutant.ID, err))
	}
}

// breakSeat lets the run's mutant change a pod that is not created yet. Which
// image the pod should run is not changed: that is for the run to notice.
func (t *targetRun) breakSeat(s *seat) {
	m := t.r.o.Mutant
	if m == nil || s.pod == nil {
		return
	}
	if m.Pod != nil {
		m.Pod(s.vantage, s.pod)
	}
	if m.Image != nil {
		if image := m.Image(s.vantage, mutants.Images{Probe: t.r.o.Images.Probe, Trainer: t.r.o.Images.Trainer}); image != "" {
			s.pod.Spec.Containers[0].Image = image
		}
	}
}

// command is what a seat runs in a round, as the run's mutant leaves it.
func (t *targetRun) command(s *seat, o order) []string {
	argv := t.r.o.Timeouts.scaled(s.argv(o))
	if m := t.r.o.Mutant; m != nil && m.Argv != nil {
		return m.Argv(s.vantage, o.round, argv)
	}
	return argv
}

// policed says whether the tenants get NetworkPolicies.
func (r *runner) policed() bool { return r.o.Mutant == nil || !r.o.Mutant.NoPolicies }
