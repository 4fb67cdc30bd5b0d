package certification

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/suites/catalogue"
)

// inNamespaces is a run of a target in namespaces that exist already.
func inNamespaces(client *fake.Clientset) *runner {
	r := &runner{o: Options{RunID: "run-1", Timeouts: DefaultTimeouts(1)}, client: client, secret: newSecret()}
	r.namespaces.node, r.namespaces.tenantA, r.namespaces.tenantB = "run-node", "run-a", "run-b"
	return r
}

// made lists what was created, as "resource namespace/name".
func made(t *testing.T, client *fake.Clientset) (list []string) {
	t.Helper()
	for _, action := range client.Actions() {
		created, is := action.(clienttesting.CreateAction)
		if !is {
			t.Errorf("%s %s", action.GetVerb(), action.GetResource().Resource)
			continue
		}
		object, err := meta.Accessor(created.GetObject())
		if err != nil {
			t.Fatal(err)
		}
		if object.GetLabels()[pods.LabelRun] != "run-1" || object.GetLabels()[pods.LabelManagedBy] != pods.ManagedBy {
			t.Errorf("%s is labelled %v", object.GetName(), object.GetLabels())
		}
		list = append(list, action.GetResource().Resource+" "+action.GetNamespace()+"/"+object.GetName())
	}
	slices.Sort(list)
	return list
}

func TestTenantsHaveTheirOwn(t *testing.T) {
	client := fake.NewClientset()
	r := inNamespaces(client)
	if err := r.setUpTenants(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"networkpolicies run-a/tenant", "networkpolicies run-b/tenant",
		"rolebindings run-a/tenant", "rolebindings run-b/tenant", "rolebindings run-node/tenant-trial",
		"roles run-a/tenant", "roles run-b/tenant", "roles run-node/tenant-trial",
		"secrets run-a/tenant-secret", "secrets run-b/tenant-secret", "secrets run-node/tenant-secret",
		"serviceaccounts run-a/tenant", "serviceaccounts run-b/tenant",
	}
	if got := made(t, client); !slices.Equal(got, want) {
		t.Errorf("made\n%q, want\n%q", got, want)
	}
	for tenant, namespace := range map[string]string{"a": "run-a", "b": "run-b", "c": "run-node"} {
		secret, err := client.Tracker().Get(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, namespace, pods.TenantSecret)
		if err != nil {
			t.Fatal(err)
		}
		want := probes.Token(probes.TenantSeed(r.secret, tenant), probes.DataSecret)
		if got := secret.(*corev1.Secret).StringData[pods.SecretKey]; got != want {
			t.Errorf("tenant %s has the secret %q", tenant, got)
		}
	}
}

// The rights that one tenant's account has outside of its own namespace are for
// dry runs in the run's own, and nothing else.
func TestTenantsHaveRightsAtHomeOnly(t *testing.T) {
	for _, rule := range pods.TrialRules() {
		if slices.Contains(rule.Verbs, "delete") || slices.Contains(rule.Verbs, "get") || slices.Contains(rule.Verbs, "list") || slices.Contains(rule.Verbs, "*") {
			t.Errorf("%v", rule)
		}
	}
	if b := pods.Bind("run-1", "run-a", "tenant", "run-a"); len(b.Subjects) != 1 || b.Subjects[0].Namespace != "run-a" {
		t.Errorf("bound to %+v", b.Subjects)
	}
}

func TestTenantsThatCannotBeMade(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "roles", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Group: "rbac.authorization.k8s.io", Resource: "roles"}, "tenant", nil)
	})
	expectError(t, inNamespaces(client).setUpTenants(t.Context()), "create Role run-", "forbidden")
}

// Who may not make accounts, or not ask the kubelet, learns so before anything is
// made, and is not asked where nothing needs it.
func TestRightsToAsk(t *testing.T) {
	all := []catalogue.Control{Catalogue()[0]}
	for _, test := range []struct {
		but  string
		asks []string
		says string
	}{
		{"create roles", nil, ""},
		{"", []string{"rights"}, ""},
		{"create roles", []string{"rights"}, "in cluster prod: create roles.rbac.authorization.k8s.io ("},
		{"create serviceaccounts/token", []string{"rights"}, "in cluster prod: create serviceaccounts/token ("},
		{"create pods/portforward", []string{"rights"}, ""},
		{"create roles", []string{"kubelet-anonymous"}, ""},
		{"create pods/portforward", []string{"kubelet-anonymous"}, "in cluster prod: create pods/portforward ("},
		{"get nodes/proxy", []string{"kubelet-anonymous"}, "in cluster prod: get nodes/proxy ("},
		{"create networkpolicies", []string{"rights"}, "in cluster prod: create networkpolicies.networking.k8s.io ("},
	} {
		handlers := cluster()
		handlers[pathReviews] = allowing(test.but)
		r, err := begin(optionsFor(t, apiServer(t, handlers).URL))
		if err != nil {
			t.Fatal(err)
		}
		all[0].Asks = test.asks
		err = r.prepare(t.Context(), all)
		if test.says == "" && err != nil {
			t.Errorf("without the right to %q: %v", test.but, err)
		}
		if test.says != "" {
			expectError(t, err, test.says, "katacert rbac")
		}
	}
}

// Who is not cluster-admin may bind only a role that is there.
func TestRolesAreThereBeforeTheirBindings(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "rolebindings", func(action clienttesting.Action) (bool, runtime.Object, error) {
		binding := action.(clienttesting.CreateAction).GetObject().(*rbacv1.RoleBinding)
		_, err := client.Tracker().Get(rbacv1.SchemeGroupVersion.WithResource("roles"), binding.Namespace, binding.RoleRef.Name)
		return err != nil, nil, err
	})
	if err := inNamespaces(client).setUpTenants(t.Context()); err != nil {
		t.Error(err)
	}
}
