package certification

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/suites/access"
)

// annotationClasses of a tenant's namespace names the RuntimeClasses that its
// pods may have, divided by commas, for admission policies of the cluster.
const annotationClasses = "katacert.dev/runtime-classes"

// Names of the roles of tenants' accounts.
const (
	roleTenant = "tenant"
	roleTrial  = "tenant-trial"
)

// accounts says whether the plan needs what setUpTenants makes.
func (p Plan) accounts() bool {
	return slices.Contains(access.Needs(p.Controls, access.Extras{}), access.Accounts)
}

// asks lists what katacert asks for the plan's controls as somebody else than
// itself.
func (p Plan) asks() []string {
	var asks []string
	for _, c := range p.Controls {
		asks = append(asks, c.Asks...)
	}
	slices.Sort(asks)
	return slices.Compact(asks)
}

// classes lists the RuntimeClasses under certification.
func (p Plan) classes() []string {
	var names []string
	for _, t := range p.Targets {
		names = append(names, t.Class.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// setUpTenants makes in the run's namespaces what tenants have besides pods: an
// account with the rights of a tenant, a Secret, and a NetworkPolicy. All of it
// goes with the namespaces.
func (r *runner) setUpTenants(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Timeouts.Request,
		fmt.Errorf("the tenants' accounts, Secrets and NetworkPolicies were not made within %v", r.o.Timeouts.Request))
	defer cancel()
	run, all := r.o.RunID, &errgroup.Group{}
	homes := map[string]string{"a": r.namespaces.tenantA, "b": r.namespaces.tenantB, "c": r.namespaces.node}
	for _, tenant := range probes.Tenants() {
		home := homes[tenant]
		token := probes.Token(probes.TenantSeed(r.secret, tenant), probes.DataSecret)
		create(ctx, all, "Secret", home, r.client.CoreV1().Secrets(home).Create, pods.Secret(run, home, token))
		if home == r.namespaces.node {
			continue // the reference stands for a tenant whose account is not asked for
		}
		create(ctx, all, "ServiceAccount", home, r.client.CoreV1().ServiceAccounts(home).Create, pods.ServiceAccount(run, home))
		r.createBound(ctx, all, pods.Role(run, home, roleTenant, pods.TenantRules()), pods.Bind(run, home, roleTenant, home))
		if !r.policed() {
			continue
		}
		create(ctx, all, "NetworkPolicy", home, r.client.NetworkingV1().NetworkPolicies(home).Create, pods.NetworkPolicy(run, home, r.namespaces.node))
	}
	trial, asker := r.namespaces.node, r.namespaces.tenantA
	r.createBound(ctx, all, pods.Role(run, trial, roleTrial, pods.TrialRules()), pods.Bind(run, trial, roleTrial, asker))
	return all.Wait()
}

// createBound makes a role and then its binding: to let nobody give away what he
// has not, the API server looks at the role that a binding names.
func (r *runner) createBound(ctx context.Context, group *errgroup.Group, role *rbacv1.Role, binding *rbacv1.RoleBinding) {
	group.Go(func() error {
		if err := createNow(ctx, "Role", role.Namespace, r.client.RbacV1().Roles(role.Namespace).Create, role); err != nil {
			return err
		}
		return createNow(ctx, "RoleBinding", binding.Namespace, r.client.RbacV1().RoleBindings(binding.Namespace).Create, binding)
	})
}

// create makes one object, in the group's time.
func create[T metav1.Object](ctx context.Context, group *errgroup.Group, kind, namespace string,
	make func(context.Context, T, metav1.CreateOptions) (T, error), object T) {
	group.Go(func() error { return createNow(ctx, kind, namespace, make, object) })
}

// createNow makes one object.
func createNow[T metav1.Object](ctx context.Context, kind, namespace string, make func(context.Context, T, metav1.CreateOptions) (T, error), object T) error {
	if _, err := make(ctx, object, metav1.CreateOptions{}); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return fmt.Errorf("create %s %s/%s: %w", kind, namespace, object.GetName(), err)
	}
	return nil
}
