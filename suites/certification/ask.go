package certification

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/access"
)

// question is one that katacert asks as somebody else than itself. The answer has
// two lists of lines "what=… result=…": "asked" is what must be refused, and
// "shown" the same where it must be granted.
type question func(*asker, context.Context) evidence.Observation

// questions by the name that controls ask for (catalogue.Control.Asks) and under
// which the answers are in evidence. The package suites/access knows what each
// takes.
var questions = map[string]question{
	"admission":         (*asker).admission,
	"anonymous":         (*asker).anonymous,
	"class-choice":      (*asker).classChoice,
	"kubelet-anonymous": (*asker).kubelet,
	"rights":            (*asker).rights,
	"tenant-reads":      (*asker).tenantReads,
}

// asker asks for one target.
type asker struct {
	r *runner
	// class is the RuntimeClass under certification, and classes all of them.
	class   string
	classes []string
	// pods that run, by vantage; whoever's does not run is missing.
	pods map[evidence.Vantage]*corev1.Pod
	node string
	// atOnce bounds the requests under way.
	atOnce chan struct{}
}

// requestsAtOnce bounds how many questions of one target are under way, so that
// they are no burst for the API server.
const requestsAtOnce = 8

// ask begins to ask what the plan's controls want to know and returns a function
// that waits for the answers. Nothing of it concerns the node, so it runs beside
// the rounds.
func (t *targetRun) ask(ctx context.Context) (answers func() []evidence.Observation) {
	t.asked = time.Now().UTC()
	asks := t.r.plan.asks()
	a := &asker{r: t.r, class: t.target.Class.Name, classes: t.r.plan.classes(), node: t.target.Node.Name,
		pods: map[evidence.Vantage]*corev1.Pod{}, atOnce: make(chan struct{}, requestsAtOnce)}
	for _, s := range t.seats {
		if s.err == nil && s.pod != nil && s.pod.UID != "" {
			a.pods[s.vantage] = s.pod
		}
	}
	observations := make([]evidence.Observation, len(asks))
	var group errgroup.Group
	for i, name := range asks {
		group.Go(func() error {
			start := time.Now()
			observations[i] = questions[name](a, ctx)
			observations[i].Probe = name
			observations[i].Micros = time.Since(start).Microseconds()
			return nil
		})
	}
	return func() []evidence.Observation {
		_ = group.Wait() // what goes wrong is in the observations
		return observations
	}
}

// bounded runs one request in its turn and within the time for one.
func (a *asker) bounded(ctx context.Context, request func(context.Context)) {
	a.atOnce <- struct{}{}
	defer func() { <-a.atOnce }()
	ctx, cancel := context.WithTimeout(ctx, a.r.o.Timeouts.Request)
	defer cancel()
	request(ctx)
}

// tokenSeconds is how long a token holds: the shortest that the API server gives.
// Nothing but a client's memory ever holds it.
const tokenSeconds = 600

// as returns a client that is the service account, and nobody else.
func (a *asker) as(ctx context.Context, namespace, account string) (client kubernetes.Interface, err error) {
	a.bounded(ctx, func(ctx context.Context) {
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(tokenSeconds))}}
		var answer *authenticationv1.TokenRequest
		answer, err = a.r.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
		if err != nil {
			err = fmt.Errorf("request a token of service account %s/%s: %w", namespace, account, err)
			return
		}
		config := rest.AnonymousClientConfig(a.r.exec.config)
		config.BearerToken = answer.Status.Token
		client, err = quiet(counting(config, &a.r.requests))
	})
	return client, err
}

// tenant returns a client that is the account of a tenant.
func (a *asker) tenant(ctx context.Context, namespace string) (kubernetes.Interface, error) {
	return a.as(ctx, namespace, pods.TenantAccount)
}

// replicaSetController is the account that makes the pods of Deployments.
const replicaSetController = "system:serviceaccount:" + access.ControllerNamespace + ":" + access.ControllerAccount

// controller returns a client that impersonates the controller that makes the
// pods of Deployments. Requests fail where katacert's own user may not.
func (a *asker) controller() (kubernetes.Interface, error) {
	config := rest.CopyConfig(a.r.exec.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: replicaSetController, Groups: access.ControllerGroups()}
	return quiet(config)
}

// quiet makes a client that keeps the API server's warnings about pods that are
// never made off the terminal.
func quiet(config *rest.Config) (kubernetes.Interface, error) {
	config.WarningHandler = rest.NoWarnings{}
	return kubernetes.NewForConfig(config)
}

// failed is the observation of a question that could not be asked at all.
func failed(err error) evidence.Observation {
	return evidence.Observation{State: evidence.Failed, Detail: printable(err.Error())}
}
