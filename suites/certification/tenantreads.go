package certification

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// home is a tenant's namespace with what is read in it.
type home struct {
	tenant, namespace string
	pod               *corev1.Pod
	// token is what the tenant's Secret holds. It never leaves the process.
	token string
}

// read is one real read or access of a tenant's account.
type read struct {
	what string
	do   func(ctx context.Context, client kubernetes.Interface, of home) ([]string, error)
}

// reads are those by which the API server would give one tenant what the other
// has. None changes anything.
var reads = []read{
	listPods,
	{"list-configmaps", func(ctx context.Context, client kubernetes.Interface, of home) ([]string, error) {
		_, err := client.CoreV1().ConfigMaps(of.namespace).List(ctx, oneOnly)
		return nil, err
	}},
	{"list-claims", func(ctx context.Context, client kubernetes.Interface, of home) ([]string, error) {
		_, err := client.CoreV1().PersistentVolumeClaims(of.namespace).List(ctx, oneOnly)
		return nil, err
	}},
	readSecret,
	{"get-log", func(ctx context.Context, client kubernetes.Interface, of home) ([]string, error) {
		if of.pod == nil {
			return nil, errNoPod
		}
		_, err := client.CoreV1().Pods(of.namespace).GetLogs(of.pod.Name, &corev1.PodLogOptions{
			Container: pods.ContainerName, LimitBytes: new(int64(1)),
		}).DoRaw(ctx)
		return nil, err
	}},
	{"exec", askExec},
}

// Reads that are asked for without credentials too.
var (
	listPods = read{"list-pods", func(ctx context.Context, client kubernetes.Interface, of home) ([]string, error) {
		_, err := client.CoreV1().Pods(of.namespace).List(ctx, oneOnly)
		return nil, err
	}}
	readSecret = read{"get-secret", getSecret}
)

var (
	oneOnly  = metav1.ListOptions{Limit: 1}
	errNoPod = errors.New("the pod that would be asked about does not run")
)

// getSecret reads the tenant's Secret and notes whether it is the right one.
func getSecret(ctx context.Context, client kubernetes.Interface, of home) ([]string, error) {
	secret, err := client.CoreV1().Secrets(of.namespace).Get(ctx, pods.TenantSecret, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if string(secret.Data[pods.SecretKey]) != of.token {
		return []string{"token=another"}, nil
	}
	return []string{"token=found"}, nil
}

// askExec asks for an exec and does not upgrade the connection. The API server looks
// at the account's rights first, and where they suffice it misses the upgrade;
// nothing is run in either case.
func askExec(ctx context.Context, client kubernetes.Interface, of home) ([]string, error) {
	if of.pod == nil {
		return nil, errNoPod
	}
	err := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(of.namespace).Name(of.pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: pods.ContainerName, Command: []string{"/probe", "version"}, Stdout: true}, scheme.ParameterCodec).
		Do(ctx).Error()
	if apierrors.IsBadRequest(err) && strings.Contains(err.Error(), "Upgrade request required") {
		return nil, nil
	}
	return nil, err
}

// tenantReads lets each tenant's account read what the other tenant has, and as
// the proof that it could, what it has itself.
func (a *asker) tenantReads(ctx context.Context) evidence.Observation {
	homes := []home{
		{tenant: "a", namespace: a.r.namespaces.tenantA, pod: a.pods[evidence.Subject]},
		{tenant: "b", namespace: a.r.namespaces.tenantB, pod: a.pods[evidence.Neighbour]},
	}
	clients := make([]kubernetes.Interface, len(homes))
	for i := range homes {
		var err error
		if clients[i], err = a.tenant(ctx, homes[i].namespace); err != nil {
			return failed(err)
		}
		homes[i].token = probes.Token(probes.TenantSeed(a.r.secret, homes[i].tenant), probes.DataSecret)
	}
	var got replies
	var group errgroup.Group
	for i, own := range homes {
		other := homes[1-i]
		for _, read := range reads {
			group.Go(func() error {
				a.bounded(ctx, func(ctx context.Context) { got.add(&got.asked, readBy(ctx, read, clients[i], own.tenant, other)) })
				return nil
			})
			group.Go(func() error {
				a.bounded(ctx, func(ctx context.Context) { got.add(&got.show, readBy(ctx, read, clients[i], own.tenant, own)) })
				return nil
			})
		}
	}
	_ = group.Wait() // what goes wrong is in the answers
	return got.seen(nil)
}

// readBy reads as a tenant what is in a home. Only the authorizer's refusal is
// one: what was not found may have been looked for.
func readBy(ctx context.Context, read read, client kubernetes.Interface, tenant string, of home) reply {
	one := readAs(ctx, read, client, of)
	one.what = tenant + "/" + one.what
	if slices.Contains(one.notes, byAuthentication) {
		one.result = erred // the token was not taken: nothing was asked of the authorizer
	}
	return one
}
