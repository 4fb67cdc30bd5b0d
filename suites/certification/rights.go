package certification

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/probes/evidence"
)

// systemNamespace holds the cluster's own workload and its credentials.
const systemNamespace = "kube-system"

// defaultAccount is the account of pods that name none.
const defaultAccount = "default"

// dangerous lists rights with which a pod's account would read what is not its
// own, or would become somebody with more rights
// (https://kubernetes.io/docs/concepts/security/rbac-good-practices/). Those
// without a namespace are asked for the whole cluster.
func dangerous(own, other string) []authorizationv1.ResourceAttributes {
	const rbac, certificates, admission = rbacv1.GroupName, "certificates.k8s.io", "admissionregistration.k8s.io"
	return []authorizationv1.ResourceAttributes{
		{Verb: "*", Group: "*", Resource: "*"},
		// Secrets and what else tells about others.
		{Verb: "list", Resource: "secrets"},
		{Verb: "get", Resource: "secrets", Namespace: systemNamespace},
		{Verb: "list", Resource: "secrets", Namespace: own},
		{Verb: "get", Resource: "secrets", Namespace: other},
		{Verb: "list", Resource: "pods"},
		{Verb: "list", Resource: "namespaces"},
		{Verb: "get", Resource: "pods", Subresource: "log", Namespace: other},
		// Workload in the name of others, and within that of others.
		{Verb: "create", Resource: "pods", Namespace: own},
		{Verb: "create", Resource: "pods", Namespace: other},
		{Verb: "create", Resource: "pods", Namespace: systemNamespace},
		{Verb: "create", Group: "apps", Resource: "daemonsets", Namespace: systemNamespace},
		{Verb: "create", Group: "batch", Resource: "cronjobs", Namespace: systemNamespace},
		{Verb: "create", Resource: "pods", Subresource: "exec"},
		{Verb: "patch", Resource: "pods", Subresource: "ephemeralcontainers"},
		// The kubelet's own interface, past admission and audit.
		{Verb: "get", Resource: "nodes", Subresource: "proxy"},
		{Verb: "create", Resource: "nodes", Subresource: "proxy"},
		{Verb: "patch", Resource: "nodes"},
		// To become somebody else.
		{Verb: "impersonate", Resource: "users"},
		{Verb: "impersonate", Resource: "groups"},
		{Verb: "impersonate", Resource: "serviceaccounts"},
		{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: systemNamespace},
		{Verb: "escalate", Group: rbac, Resource: "clusterroles"},
		{Verb: "bind", Group: rbac, Resource: "clusterroles"},
		{Verb: "create", Group: rbac, Resource: "clusterrolebindings"},
		{Verb: "create", Group: rbac, Resource: "rolebindings", Namespace: own},
		{Verb: "update", Group: certificates, Resource: "certificatesigningrequests", Subresource: "approval"},
		{Verb: "approve", Group: certificates, Resource: "signers"},
		// To take the guards away: labels of Pod Security, webhooks, policies.
		{Verb: "patch", Resource: "namespaces"},
		{Verb: "patch", Resource: "namespaces", Namespace: own, Name: own},
		{Verb: "create", Group: admission, Resource: "mutatingwebhookconfigurations"},
		{Verb: "delete", Group: admission, Resource: "validatingwebhookconfigurations"},
		{Verb: "delete", Group: admission, Resource: "validatingadmissionpolicybindings"},
		{Verb: "delete", Group: "networking.k8s.io", Resource: "networkpolicies", Namespace: own},
		// Ways to the node and to others' traffic.
		{Verb: "create", Group: "node.k8s.io", Resource: "runtimeclasses"},
		{Verb: "create", Resource: "persistentvolumes"},
		{Verb: "patch", Resource: "services", Subresource: "status"},
	}
}

// rights asks what the account may do that pods have which name none, and as the
// proof that there is something to be granted, the same of the group that may
// everything. The account is the run's and not the target's: it is asked once.
func (a *asker) rights(ctx context.Context) evidence.Observation {
	return a.r.rights.of(func() evidence.Observation { return a.askRights(ctx) })
}

// once keeps the answer to a question that is asked once in a run.
type once struct {
	once   sync.Once
	answer evidence.Observation
}

func (o *once) of(ask func() evidence.Observation) evidence.Observation {
	o.once.Do(func() { o.answer = ask() })
	return o.answer
}

func (a *asker) askRights(ctx context.Context) evidence.Observation {
	own := a.r.namespaces.tenantA
	account, err := a.as(ctx, own, defaultAccount)
	if err != nil {
		return failed(err)
	}
	var got replies
	var group errgroup.Group
	for _, right := range dangerous(own, a.r.namespaces.tenantB) {
		group.Go(func() error {
			a.bounded(ctx, func(ctx context.Context) { got.add(&got.asked, mayDo(ctx, account, right, own)) })
			return nil
		})
		group.Go(func() error {
			a.bounded(ctx, func(ctx context.Context) { got.add(&got.show, mastersMayDo(ctx, a.r.client, right, own)) })
			return nil
		})
	}
	automount := "unknown"
	group.Go(func() error {
		a.bounded(ctx, func(ctx context.Context) { automount = a.automount(ctx, own) })
		return nil
	})
	_ = group.Wait() // what goes wrong is in the answers
	return got.seen(evidence.Values{"automount": evidence.Text(automount)})
}

// mayDo asks whether the client's user has a right.
func mayDo(ctx context.Context, client kubernetes.Interface, right authorizationv1.ResourceAttributes, own string) reply {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right}}
	answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return reply{what: nameOf(right, own), result: erred, said: err.Error()}
	}
	return reviewed(nameOf(right, own), answer.Status)
}

// mastersGroup is the group that may everything in every cluster
// (https://kubernetes.io/docs/concepts/security/rbac-good-practices/).
const mastersGroup = "system:masters"

// mastersMayDo asks whether a user of that group would have a right. Nobody is made
// one, and katacert's own user need not be one.
func mastersMayDo(ctx context.Context, client kubernetes.Interface, right authorizationv1.ResourceAttributes, own string) reply {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{ResourceAttributes: &right, Groups: []string{mastersGroup}}}
	answer, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return reply{what: nameOf(right, own), result: erred, said: err.Error()}
	}
	return reviewed(nameOf(right, own), answer.Status)
}

// reviewed is what an access review means.
func reviewed(what string, status authorizationv1.SubjectAccessReviewStatus) reply {
	switch {
	case status.Allowed:
		return reply{what: what, result: granted, said: status.Reason}
	case status.EvaluationError != "":
		// A refusal because an authorizer did not answer may be none tomorrow.
		return reply{what: what, result: erred, said: status.EvaluationError}
	default:
		return reply{what: what, result: refused}
	}
}

// nameOf says a right in one word: verb, resource and where.
func nameOf(right authorizationv1.ResourceAttributes, own string) string {
	resource := right.Resource
	if right.Subresource != "" {
		resource += "/" + right.Subresource
	}
	where := "cluster"
	switch right.Namespace {
	case "":
	case own:
		where = "own-namespace"
	case systemNamespace:
		where = systemNamespace
	default:
		where = "other-namespace"
	}
	return strings.Join([]string{right.Verb, resource, where}, ":")
}

// automount says whether pods that name no account are given its token.
func (a *asker) automount(ctx context.Context, namespace string) string {
	account, err := a.r.client.CoreV1().ServiceAccounts(namespace).Get(ctx, defaultAccount, metav1.GetOptions{})
	switch {
	case err != nil:
		return "unknown: " + printable(err.Error())
	case account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken:
		return "pods are given the token of account " + defaultAccount + " unless they refuse it"
	default:
		return "pods are not given the token of account " + defaultAccount
	}
}
