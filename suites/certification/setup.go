package certification

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/suites/access"
	"github.com/katacert/katacert/suites/catalogue"
)

// askCluster makes sure that the cluster answers.
func (r *runner) askCluster(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeouts.Request)
	defer cancel()
	// Not ServerVersion, which knows no time-out.
	answer, err := r.client.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return Unreachable(r.o.Cluster, err)
	}
	var version apiversion.Info
	if err := json.Unmarshal(answer, &version); err != nil {
		return fmt.Errorf("%s answers, but not as a Kubernetes API server does: %w", r.o.Cluster.Config.Host, err)
	}
	r.report.Cluster.Server = r.o.Cluster.Config.Host
	r.report.Cluster.Kubernetes = version.GitVersion
	return nil
}

// CheckAccess makes sure that the client's user may do what a run of the controls
// does, before anything is made. The error names each missing permission with its
// reason, and how to grant it.
func CheckAccess(ctx context.Context, client kubernetes.Interface, c Cluster, controls []catalogue.Control, extras access.Extras, t Timeouts) error {
	ctx, cancel := context.WithTimeout(ctx, t.Request)
	defer cancel()
	missing, err := access.Check(ctx, client, access.For(controls, extras))
	if err != nil {
		return Unreachable(c, err)
	}
	return access.Error(ctx, client, c.Name, missing)
}

// extras are what the run does besides its controls.
func (o Options) extras() access.Extras {
	extras := access.Extras{Script: o.Training.Image != ""}
	if secret := o.Images.PullSecret; secret != nil {
		extras.Secret = access.Secret{Namespace: secret.Namespace, Name: secret.Name}
	}
	return extras
}

// Unreachable says in one line why a cluster did not answer a request, and what
// to do about it.
func Unreachable(c Cluster, err error) error {
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("cluster %s at %s refuses the credentials of the kubeconfig: renew them, or choose another --context: %w", c.Name, c.Config.Host, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("cluster %s at %s: the user of the kubeconfig has too few rights, see `katacert rbac` and docs/rbac.yaml: %w", c.Name, c.Config.Host, err)
	default:
		return fmt.Errorf("cluster %s does not answer at %s: check that it runs and that --kubeconfig and --context name it: %w", c.Name, c.Config.Host, err)
	}
}

// setUp sweeps what dead runs of this machine left, makes the run's namespaces
// and starts watching.
func (r *runner) setUp(ctx, watching context.Context) error {
	if err := r.sweepDeadRuns(ctx); err != nil {
		return err
	}
	owner := thisProcess().String()
	var list []string
	var group errgroup.Group
	for _, n := range []struct {
		tenant string
		level  pods.PodSecurity
		name   *string
	}{
		{"node", pods.PodSecurityPrivileged, &r.namespaces.node},
		{"tenant-a", pods.PodSecurityBaseline, &r.namespaces.tenantA},
		{"tenant-b", pods.PodSecurityBaseline, &r.namespaces.tenantB},
	} {
		namespace := pods.Namespace(r.o.RunID, n.tenant, n.level)
		namespace.Annotations = map[string]string{annotationOwner: owner}
		if n.level == pods.PodSecurityBaseline { // a tenant's
			namespace.Annotations[annotationClasses] = strings.Join(r.plan.classes(), ",")
			maps.Copy(namespace.Labels, r.o.TenantLabels)
		}
		if m := r.o.Mutant; m != nil && m.Namespace != nil && n.level == pods.PodSecurityBaseline {
			m.Namespace(namespace)
		}
		*n.name = namespace.Name
		list = append(list, namespace.Name)
		group.Go(func() error { return r.makeNamespace(ctx, namespace) })
	}
	if r.plan.tenants() {
		group.Go(func() error { return r.findStorage(ctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := errors.Join(r.makeScript(ctx), r.findBlockStorage(ctx)); err != nil {
		return err
	}
	if r.plan.accounts() {
		if err := r.setUpTenants(ctx); err != nil {
			return err
		}
	}
	if err := r.mutate(ctx); err != nil {
		return err
	}
	return r.watch.start(watching, r.client, r.o.RunID, list)
}

// makeNamespace creates a namespace and waits for its default service account,
// without which its pods are refused.
func (r *runner) makeNamespace(ctx context.Context, namespace *corev1.Namespace) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Timeouts.Request,
		fmt.Errorf("namespace %s got no default service account within %v: is the controller manager running?", namespace.Name, r.o.Timeouts.Request))
	defer cancel()
	if _, err := r.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create namespace %s: %w", namespace.Name, err)
	}
	if secret := r.o.Images.PullSecret; secret != nil {
		copied := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret.Name, Labels: namespace.Labels}, Type: secret.Type, Data: secret.Data}
		if _, err := r.client.CoreV1().Secrets(namespace.Name).Create(ctx, copied, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("copy the pull secret %s into namespace %s: %w", secret.Name, namespace.Name, err)
		}
	}
	accounts, err := r.client.CoreV1().ServiceAccounts(namespace.Name).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=default"})
	if err != nil {
		return fmt.Errorf("watch the service accounts of namespace %s: %w", namespace.Name, err)
	}
	defer accounts.Stop()
	for {
		select {
		case event, ok := <-accounts.ResultChan():
			if !ok {
				return fmt.Errorf("the watch of the service accounts of namespace %s ended: %w", namespace.Name, ctx.Err())
			}
			if account, is := event.Object.(*corev1.ServiceAccount); is && account.Name == "default" {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
