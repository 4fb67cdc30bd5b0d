package access

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// manifestObjects parses what was printed, strictly.
type manifestObjects struct {
	kinds    []string
	rules    map[string][]rbacv1.PolicyRule
	subjects []rbacv1.Subject
}

func parse(t *testing.T, text string) manifestObjects {
	t.Helper()
	got := manifestObjects{rules: map[string][]rbacv1.PolicyRule{}}
	for _, document := range strings.Split(text, "---\n")[1:] {
		var kind struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Namespace string `json:"namespace"`
			} `json:"metadata"`
		}
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		got.kinds = append(got.kinds, kind.Kind)
		switch kind.Kind {
		case "ClusterRole", "Role":
			var role rbacv1.ClusterRole
			if err := yaml.UnmarshalStrict([]byte(document), &role); err != nil {
				t.Errorf("%v in\n%s", err, document)
			}
			got.rules[kind.Metadata.Namespace] = append(got.rules[kind.Metadata.Namespace], role.Rules...)
		case "ClusterRoleBinding", "RoleBinding":
			var binding rbacv1.RoleBinding
			if err := yaml.UnmarshalStrict([]byte(document), &binding); err != nil {
				t.Errorf("%v in\n%s", err, document)
			}
			got.subjects = append(got.subjects, binding.Subjects...)
			if ref := binding.RoleRef; kind.Kind != ref.Kind+"Binding" || ref.Name != binding.Name {
				t.Errorf("%s %s refers to %+v", kind.Kind, binding.Name, ref)
			}
		}
	}
	return got
}

// allowed says whether RBAC rules grant a permission, as the API server would.
func allowed(rules []rbacv1.PolicyRule, p Permission) bool {
	return slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
		if p.Path != "" {
			return slices.Contains(r.Verbs, p.Verb) && slices.Contains(r.NonResourceURLs, p.Path)
		}
		return slices.Contains(r.Verbs, p.Verb) && slices.Contains(r.APIGroups, p.Group) && slices.Contains(r.Resources, p.Resource) &&
			(len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, p.Name))
	})
}

// The objects grant exactly the table: everything in it, and nothing else.
func TestManifestGrantsTheTable(t *testing.T) {
	table := Table(extras)
	var out bytes.Buffer
	if err := ManifestOfAccount(&out, table, Account{Namespace: "ci", Name: "certifier"}); err != nil {
		t.Fatal(err)
	}
	got := parse(t, out.String())
	for _, p := range table {
		if !allowed(got.rules[p.Namespace], p) {
			t.Errorf("%s is not granted", p.What())
		}
	}
	for namespace, rules := range got.rules {
		for _, r := range rules {
			for _, verb := range r.Verbs {
				for _, name := range append(slices.Clone(r.ResourceNames), make([]string, max(0, 1-len(r.ResourceNames)))...) {
					p := Permission{Verb: verb, Namespace: namespace, Name: name, Path: strings.Join(r.NonResourceURLs, ","),
						Group: strings.Join(r.APIGroups, ","), Resource: strings.Join(r.Resources, ",")}
					if !slices.ContainsFunc(table, p.same) {
						t.Errorf("%s is granted for nothing", p.What())
					}
				}
			}
		}
	}
	if want := []string{"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Role", "RoleBinding"}; !slices.Equal(got.kinds, want) {
		t.Errorf("it holds %v, want %v", got.kinds, want)
	}
	for _, s := range got.subjects {
		if s != (Account{"ci", "certifier"}).Subject() {
			t.Errorf("it is granted to %+v", s)
		}
	}
	for _, p := range table {
		said := false
		for line := range strings.Lines(out.String()) {
			verbs, why, is := strings.Cut(strings.TrimPrefix(line, "# "), ": ")
			said = said || is && why == p.Why+"\n" && slices.Contains(strings.Split(verbs, ", "), p.Verb)
		}
		if !said {
			t.Errorf("it does not say what %s is for", p.What())
		}
	}
}

func TestManifestForAUser(t *testing.T) {
	var out bytes.Buffer
	if err := Manifest(&out, For(nil, Extras{}), "jane"); err != nil {
		t.Fatal(err)
	}
	got := parse(t, out.String())
	if want := []string{"ClusterRole", "ClusterRoleBinding"}; !slices.Equal(got.kinds, want) {
		t.Errorf("it holds %v, want %v", got.kinds, want)
	}
	if len(got.subjects) != 1 || got.subjects[0] != User("jane") {
		t.Errorf("it is granted to %+v", got.subjects)
	}
}
