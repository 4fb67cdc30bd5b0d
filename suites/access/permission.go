// Package access knows every permission that katacert's own user needs in a
// cluster, and why: one table from which the check before a run, the RBAC objects
// that `katacert rbac` prints and the documentation are made.
package access

import (
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
)

// Need is what a run does with permissions; its profile and flags decide whether
// it does.
type Need string

// The needs, from those of every run to those of few.
const (
	// EveryRun is what no run can do without.
	EveryRun Need = "every run"
	// Accounts is to make the tenants' accounts, which ask the API server what it
	// would give them, with their Secrets, roles and NetworkPolicies.
	Accounts Need = "tenants' accounts"
	// Volumes is to make the tenants' and the training job's volume claims.
	Volumes Need = "volumes"
	// Training is to read what the training job prints.
	Training Need = "training"
	// GPUs is to read whether a pod fills the GPUs that it was given.
	GPUs Need = "GPUs"
	// Rights is to ask what the account may do that pods have by default.
	Rights Need = "default account"
	// Kubelet is to ask the nodes' kubelets.
	Kubelet Need = "kubelet"
	// Controllers is to try pods as the controller that makes those of Deployments.
	Controllers Need = "controllers"
	// PullSecret is to read the secret of --image-pull-secret, and copy it into the
	// run's namespaces.
	PullSecret Need = "pull secret"
	// Script is to give an image that trains the script which it runs.
	Script Need = "training script"
)

// Permission is one thing that katacert's user must be allowed. Its fields are
// those of an RBAC rule (https://kubernetes.io/docs/reference/access-authn-authz/rbac/).
type Permission struct {
	// Verb is one verb. Group is empty for the core group.
	Verb, Group string
	// Resource is in plural, with its subresource as RBAC writes it: pods/exec.
	Resource string
	// Path is set in place of a resource for what is none: /version.
	Path string
	// Namespace is where a namespaced resource is needed that is there before the
	// run. It is empty for all namespaces, because those of a run get their names
	// when it begins, and for resources of the cluster.
	Namespace string
	// Name bounds the permission to one object.
	Name string
	// Need says what takes it, and Why what for, as the end of a sentence.
	Need Need
	Why  string
	// PassedOn permissions are never used: RBAC lets nobody give away what he has
	// not, and the tenants' accounts are given them.
	PassedOn bool
	// Optional permissions are done without, and the report says what was not asked.
	Optional bool
}

// What says the permission in the words of an RBAC rule.
func (p Permission) What() string {
	what := p.Verb + " "
	if p.Path != "" {
		return what + p.Path
	}
	what += p.Resource
	if p.Group != "" {
		what += "." + p.Group
	}
	if p.Name != "" {
		what += " " + p.Name
	}
	if p.Namespace != "" {
		what += " in namespace " + p.Namespace
	}
	return what
}

// asked is the permission as the API server is asked for it.
func (p Permission) asked() authorizationv1.SelfSubjectAccessReviewSpec {
	if p.Path != "" {
		return authorizationv1.SelfSubjectAccessReviewSpec{NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: p.Verb, Path: p.Path}}
	}
	resource, subresource, _ := strings.Cut(p.Resource, "/")
	return authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
		Verb: p.Verb, Group: p.Group, Resource: resource, Subresource: subresource, Namespace: p.Namespace, Name: p.Name,
	}}
}

// same says whether two permissions allow the same, whatever they are for.
func (p Permission) same(other Permission) bool {
	return p.Verb == other.Verb && p.Group == other.Group && p.Resource == other.Resource && p.Path == other.Path &&
		p.Namespace == other.Namespace && p.Name == other.Name
}

// Covers says whether a permission allows what another does: it names the same,
// and is not bounded where the other is not.
func (p Permission) Covers(other Permission) bool {
	return p.Verb == other.Verb && p.Group == other.Group && p.Resource == other.Resource && p.Path == other.Path &&
		(p.Namespace == "" || p.Namespace == other.Namespace) && (p.Name == "" || p.Name == other.Name)
}

// distinct drops what is there already in other words, the first of which stay:
// who uses a permission need not be told that it is passed on, too.
func distinct(all []Permission) []Permission {
	var kept []Permission
	for _, p := range all {
		if !slices.ContainsFunc(kept, func(other Permission) bool { return other.Covers(p) && (p.Optional || !other.Optional) }) {
			kept = append(kept, p)
		}
	}
	return kept
}
