package access

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

var (
	secret = Secret{Namespace: "registry", Name: "pull"}
	extras = Extras{Secret: secret, Script: true}
)

// authorizer is a cluster that allows what may says, and counts the reviews.
type authorizer struct {
	may func(Permission) bool
	// rules are listed in answer to a review of rules; incomplete says that there
	// are others.
	rules      []authorizationv1.ResourceRule
	incomplete bool
	mu         sync.Mutex
	asked      []Permission
}

func (a *authorizer) client() *fake.Clientset {
	client := fake.NewClientset()
	client.PrependReactor("create", "selfsubjectrulesreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectRulesReview).DeepCopy()
		review.Status = authorizationv1.SubjectRulesReviewStatus{ResourceRules: a.rules, Incomplete: a.incomplete}
		return true, review, nil
	})
	client.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview).DeepCopy()
		p := permissionOf(review.Spec)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.asked = append(a.asked, p)
		review.Status.Allowed = a.may(p)
		return true, review, nil
	})
	client.PrependReactor("create", "selfsubjectreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
		review := &authenticationv1.SelfSubjectReview{}
		review.Status.UserInfo.Username = "system:serviceaccount:ci:certifier"
		return true, review, nil
	})
	return client
}

// permissionOf is what a review asks for.
func permissionOf(spec authorizationv1.SelfSubjectAccessReviewSpec) Permission {
	if path := spec.NonResourceAttributes; path != nil {
		return Permission{Verb: path.Verb, Path: path.Path}
	}
	asked := spec.ResourceAttributes
	p := Permission{Verb: asked.Verb, Group: asked.Group, Resource: asked.Resource, Namespace: asked.Namespace, Name: asked.Name}
	if asked.Subresource != "" {
		p.Resource += "/" + asked.Subresource
	}
	return p
}

// Each permission that is taken away, one at a time, is named with its reason and
// how to grant it; what a run can do without stops none.
func TestEachMissingPermissionIsNamed(t *testing.T) {
	table := Table(extras)
	for _, taken := range table {
		t.Run(strings.ReplaceAll(taken.What(), "/", "_"), func(t *testing.T) {
			client := (&authorizer{may: func(p Permission) bool { return !p.same(taken) }}).client()
			missing, err := Check(t.Context(), client, table)
			if err != nil {
				t.Fatal(err)
			}
			if len(missing) != 1 || !missing[0].same(taken) {
				t.Fatalf("missing %+v", missing)
			}
			err = Error(t.Context(), client, "prod", missing)
			if taken.Optional {
				if err != nil {
					t.Errorf("it is optional, and still: %v", err)
				}
				return
			}
			for _, text := range []string{"system:serviceaccount:ci:certifier", "cluster prod", taken.What(), taken.Why, "katacert rbac --service-account ci/certifier | kubectl apply -f -"} {
				if err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("%v does not say %q", err, text)
				}
			}
			if err != nil && strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

// One review tells everything where the cluster lists all rules; an incomplete list
// is not believed.
func TestRulesSaveReviews(t *testing.T) {
	table := Table(extras)
	everything := []authorizationv1.ResourceRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}
	for _, test := range []struct {
		name       string
		rules      []authorizationv1.ResourceRule
		incomplete bool
		reviews    int
	}{
		{"cluster-admin", everything, false, 1}, // but for the path
		{"a list that is not whole", everything, true, len(table)},
		{"no rules", nil, false, len(table)},
		{"no exec", []authorizationv1.ResourceRule{
			{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: slices.DeleteFunc(resources(table), func(r string) bool { return r == "pods/exec" })},
		}, false, 1 + 4}, // exec is also passed on: create, get, list
	} {
		a := &authorizer{may: func(Permission) bool { return true }, rules: test.rules, incomplete: test.incomplete}
		missing, err := Check(t.Context(), a.client(), table)
		if err != nil || len(missing) > 0 {
			t.Errorf("%s: %v, %v", test.name, missing, err)
		}
		if test.name != "no exec" && len(a.asked) != test.reviews {
			t.Errorf("%s: %d reviews, want %d", test.name, len(a.asked), test.reviews)
		}
		if test.name == "no exec" && slices.ContainsFunc(a.asked, func(p Permission) bool { return p.Path == "" && p.Resource != "pods/exec" }) {
			t.Errorf("%s: asked for %+v", test.name, a.asked)
		}
	}
}

func resources(table []Permission) []string {
	var list []string
	for _, p := range table {
		list = append(list, p.Resource)
	}
	return list
}

func TestRules(t *testing.T) {
	exec := Permission{Verb: "create", Resource: "pods/exec"}
	token := Permission{Verb: "impersonate", Resource: "groups", Name: "system:authenticated"}
	rule := func(verb, group, resource string, names ...string) authorizationv1.ResourceRule {
		return authorizationv1.ResourceRule{Verbs: []string{verb}, APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names}
	}
	for _, test := range []struct {
		rule authorizationv1.ResourceRule
		p    Permission
		want bool
	}{
		{rule("create", "", "pods/exec"), exec, true},
		{rule("create", "", "pods"), exec, false},
		{rule("create", "", "*/exec"), exec, true},
		{rule("create", "", "*"), exec, true},
		{rule("get", "", "pods/exec"), exec, false},
		{rule("create", "apps", "pods/exec"), exec, false},
		{rule("create", "", "pods/exec", "one"), exec, false},
		{rule("impersonate", "*", "groups", "system:authenticated"), token, true},
		{rule("impersonate", "*", "groups", "another"), token, false},
		{rule("impersonate", "*", "groups"), token, true},
	} {
		have := rules{ResourceRules: []authorizationv1.ResourceRule{test.rule}}
		if got := have.allow(test.p); got != test.want {
			t.Errorf("%+v allows %s: %t", test.rule, test.p.What(), got)
		}
	}
	paths := rules{NonResourceRules: []authorizationv1.NonResourceRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/healthz", "/ver*"}}}}
	if !paths.allow(Permission{Verb: "get", Path: "/version"}) || paths.allow(Permission{Verb: "get", Path: "/logs"}) {
		t.Errorf("paths %+v", paths)
	}
}

// An API server that does not answer is no missing permission.
func TestNothingIsKnown(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewUnauthorized("who are you?")
	})
	missing, err := Check(t.Context(), client, Table(extras))
	if !apierrors.IsUnauthorized(err) || missing != nil {
		t.Errorf("%v, %v", missing, err)
	}
	if name := Name(context.Background(), client); name != "" {
		t.Errorf("the user is %q", name)
	}
}

// Nothing is in the table twice, and everything says why.
func TestTable(t *testing.T) {
	table := Table(extras)
	for i, p := range table {
		if p.Verb == "" || p.Why == "" || p.Need == "" || (p.Resource == "") == (p.Path == "") {
			t.Errorf("%+v", p)
		}
		if !strings.HasPrefix(p.Why, "to ") && !strings.HasPrefix(p.Why, "the same ") {
			t.Errorf("%s: %q does not go on after the permission", p.What(), p.Why)
		}
		if slices.ContainsFunc(table[:i], p.same) {
			t.Errorf("%s is there twice", p.What())
		}
		if p.Verb == "*" || p.Resource == "*" || p.Group == "*" {
			t.Errorf("%+v asks for everything", p)
		}
	}
}

// What a profile needs grows with it, and what controls do not do is not asked for.
func TestNeedsFollowControls(t *testing.T) {
	plain := catalogue.Control{ID: "plain"}
	for _, test := range []struct {
		control catalogue.Control
		want    []Need
	}{
		{plain, []Need{EveryRun}},
		{catalogue.Control{NeedsTenants: true}, []Need{EveryRun, Accounts, Volumes}},
		{catalogue.Control{NeedsTraining: true}, []Need{EveryRun, Training, Volumes}},
		{catalogue.Control{Also: []evidence.Vantage{evidence.GPUSuccessor}, Rule: &judge.Rule{Control: evidence.GPUSubject, Subject: evidence.GPUSubject}}, []Need{EveryRun, GPUs}},
		{catalogue.Control{Asks: []string{"kubelet-anonymous"}}, []Need{EveryRun, Kubelet}},
		{catalogue.Control{Asks: []string{"rights"}}, []Need{EveryRun, Accounts, Rights}},
	} {
		want := slices.Sorted(slices.Values(test.want))
		if got := Needs([]catalogue.Control{plain, test.control}, Extras{}); !slices.Equal(got, want) {
			t.Errorf("%+v needs %v, want %v", test.control, got, want)
		}
		for _, p := range For([]catalogue.Control{test.control}, Extras{}) {
			if !slices.Contains(test.want, p.Need) {
				t.Errorf("%s is for %s", p.What(), p.Need)
			}
		}
	}
	if whole := For([]catalogue.Control{plain}, extras); !slices.ContainsFunc(whole, func(p Permission) bool { return p.Name == secret.Name }) {
		t.Error("the pull secret need not be read")
	}
}
