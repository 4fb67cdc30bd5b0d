package access

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
)

// Account names a service account.
type Account struct{ Namespace, Name string }

// Subject is the account as the subject of a binding.
func (a Account) Subject() rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: a.Namespace, Name: a.Name}
}

// role is the name of the account's roles and bindings, so that several accounts of
// one cluster may have more or less.
func (a Account) role() string {
	if a.Name == pods.ManagedBy {
		return a.Name
	}
	return pods.ManagedBy + "-" + a.Name
}

// roleOfUser is the same for a user. Names of users may hold what names of objects
// may not (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names).
func roleOfUser(name string) string {
	return pods.ManagedBy + ":" + strings.NewReplacer("/", "-", "%", "-").Replace(name)
}

// User is a user, known to the API server by that name, as the subject of a binding.
func User(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}
}

// grant is a role with its binding. The role is a ClusterRole where namespace is
// empty.
type grant struct {
	name, namespace string
	rules           []explained
}

// explained is a rule with what it is for.
type explained struct {
	rbacv1.PolicyRule
	why []purpose
}

// purpose is what verbs are for.
type purpose struct {
	verbs []string
	why   string
}

// explain notes what a further verb is for.
func (r *explained) explain(verb, why string) {
	for i := range r.why {
		if r.why[i].why == why {
			r.why[i].verbs = append(r.why[i].verbs, verb)
			return
		}
	}
	r.why = append(r.why, purpose{[]string{verb}, why})
}

// grants are the roles that the permissions make: one for the cluster, and one for
// each namespace that is there before a run.
func grants(name string, permissions []Permission) []grant {
	var list []grant
	for _, p := range permissions {
		i := slices.IndexFunc(list, func(g grant) bool { return g.namespace == p.Namespace })
		if i < 0 {
			i = len(list)
			list = append(list, grant{name: name, namespace: p.Namespace})
		}
		list[i].add(p)
	}
	return list
}

// add grants one permission more: as a further verb of the rule for its resource,
// where there is one.
func (g *grant) add(p Permission) {
	rule := explained{PolicyRule: rbacv1.PolicyRule{Verbs: []string{p.Verb}}}
	if p.Path != "" {
		rule.NonResourceURLs = []string{p.Path}
	} else {
		rule.APIGroups, rule.Resources = []string{p.Group}, []string{p.Resource}
	}
	if p.Name != "" {
		rule.ResourceNames = []string{p.Name}
	}
	for i := range g.rules {
		have := &g.rules[i]
		if !slices.Equal(have.APIGroups, rule.APIGroups) || !slices.Equal(have.Resources, rule.Resources) || !slices.Equal(have.NonResourceURLs, rule.NonResourceURLs) {
			continue
		}
		switch {
		case slices.Equal(have.ResourceNames, rule.ResourceNames):
			have.Verbs = append(have.Verbs, p.Verb)
			have.explain(p.Verb, p.Why)
			return
		case len(have.ResourceNames) > 0 && len(rule.ResourceNames) > 0 && slices.Equal(have.Verbs, rule.Verbs) && have.why[0].why == p.Why:
			have.ResourceNames = append(have.ResourceNames, p.Name)
			return
		}
	}
	rule.explain(p.Verb, p.Why)
	g.rules = append(g.rules, rule)
}

// meta is that of a role and of its binding.
func (g grant) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: g.name, Namespace: g.namespace, Labels: map[string]string{pods.LabelManagedBy: pods.ManagedBy}}
}

// binding gives the role to the subject, as the object of its kind.
func (g grant) binding(subject rbacv1.Subject) any {
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: g.kind(), Name: g.name}
	kind := metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: g.kind() + "Binding"}
	if g.namespace == "" {
		return &rbacv1.ClusterRoleBinding{TypeMeta: kind, ObjectMeta: g.meta(), RoleRef: ref, Subjects: []rbacv1.Subject{subject}}
	}
	return &rbacv1.RoleBinding{TypeMeta: kind, ObjectMeta: g.meta(), RoleRef: ref, Subjects: []rbacv1.Subject{subject}}
}

func (g grant) kind() string {
	if g.namespace == "" {
		return "ClusterRole"
	}
	return "Role"
}

// objects are the service account and its namespace.
func (a Account) objects() []any {
	labels := map[string]string{pods.LabelManagedBy: pods.ManagedBy}
	return []any{
		&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: a.Namespace}},
		&corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
			ObjectMeta: metav1.ObjectMeta{Name: a.Name, Namespace: a.Namespace, Labels: labels}, AutomountServiceAccountToken: new(false)},
	}
}
