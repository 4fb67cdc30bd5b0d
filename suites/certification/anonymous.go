package certification

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// listNamespaces reads the names of everybody's namespaces.
var listNamespaces = read{"list-namespaces", func(ctx context.Context, client kubernetes.Interface, _ home) ([]string, error) {
	_, err := client.CoreV1().Namespaces().List(ctx, oneOnly)
	return nil, err
}}

// anonymous asks the API server as nobody, without credentials: for the
// namespaces of the cluster, and for the Secret and the pods of tenant b. As the
// proof that there is something to be told, katacert's own user asks for the
// first, and the tenant's own account for the others. The answers are the run's
// and not the target's: it is asked once.
func (a *asker) anonymous(ctx context.Context) evidence.Observation {
	return a.r.anonymous.of(func() evidence.Observation { return a.askAnonymously(ctx) })
}

func (a *asker) askAnonymously(ctx context.Context) evidence.Observation {
	of := home{tenant: "b", namespace: a.r.namespaces.tenantB, token: probes.Token(probes.TenantSeed(a.r.secret, "b"), probes.DataSecret)}
	nobody, err := quiet(counting(rest.AnonymousClientConfig(a.r.exec.config), &a.r.requests))
	if err != nil {
		return failed(err)
	}
	owner, err := a.tenant(ctx, of.namespace)
	if err != nil {
		return failed(err)
	}
	var got replies
	var group errgroup.Group
	for _, question := range []struct {
		read read
		may  kubernetes.Interface
	}{{listNamespaces, a.r.client}, {listPods, owner}, {readSecret, owner}} {
		for list, client := range map[*[]reply]kubernetes.Interface{&got.asked: nobody, &got.show: question.may} {
			group.Go(func() error {
				a.bounded(ctx, func(ctx context.Context) { got.add(list, readAs(ctx, question.read, client, of)) })
				return nil
			})
		}
	}
	_ = group.Wait() // what goes wrong is in the answers
	return got.seen(nil)
}

// byAuthentication notes that a request was refused for its credentials.
const byAuthentication = "by=authentication"

// readAs reads what is in a home. Who has no credentials may be turned away for
// that alone (401), or as an anonymous user without the right (403).
func readAs(ctx context.Context, read read, client kubernetes.Interface, of home) reply {
	notes, err := read.do(ctx, client, of)
	one := reply{what: read.what, result: granted, notes: notes}
	if err == nil {
		return one
	}
	one.result, one.said = erred, err.Error()
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return one
	}
	switch status.Status().Code {
	case http.StatusUnauthorized:
		one.result, one.notes = refused, []string{byAuthentication}
	case http.StatusForbidden:
		one.result, one.notes = refused, []string{"by=authorization"}
	}
	return one
}
