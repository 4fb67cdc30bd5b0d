//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/access"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// With the documented permissions and no others, an existing cluster is certified:
// quick with those that quick needs, and everything with all of them. Everything
// that katacert's user asks of the API server is in the table, and nothing is in it
// that no run uses.
func TestDocumentedPermissionsSuffice(t *testing.T) {
	useCluster(t)
	bringImages(t)
	for _, profile := range []catalogue.Profile{catalogue.Quick, catalogue.Certification} {
		t.Run(string(profile), func(t *testing.T) {
			token := grantAccount(t, "suffices-"+string(profile), "--profile", string(profile))
			recorder := record(t, token)
			run := certify(t, existing(recorder.kubeconfig(t), "--profile", string(profile))...)
			run.requireCode(t, 0)
			if run.report.Outcome != reports.Certified || len(run.report.Leftovers) > 0 {
				t.Errorf("outcome %s, left %v", run.report.Outcome, run.report.Leftovers)
			}
			controls, err := catalogue.Select(certification.Catalogue(), catalogue.Choice{Profile: profile})
			if err != nil {
				t.Fatal(err)
			}
			recorder.requireTable(t, access.For(controls, access.Extras{}))
			recorder.requireNoSecrets(t, run.dir)
			logCost(t, run)
		})
	}
	requireNoNamespaces(t)
}

// A permission that is taken away is named before anything is made, with what it is
// for and how to grant it. The unit tests of suites/access do so for each of them.
func TestMissingPermissionsAreNamed(t *testing.T) {
	useCluster(t)
	const account = "lacks"
	token := grantAccount(t, account)
	config := kubeconfigOf(t, &clientcmdapi.Cluster{Server: shared.config.Host,
		CertificateAuthorityData: shared.config.CAData, CertificateAuthority: shared.config.CAFile}, token)
	for _, taken := range []access.Permission{
		{Verb: "create", Resource: "pods/exec"},
		{Verb: "list", Resource: "events"},
		{Verb: "get", Resource: "nodes/proxy"},
		{Verb: "list", Group: "storage.k8s.io", Resource: "storageclasses"},
		{Verb: "update", Resource: "pods/ephemeralcontainers"}, // passed on to tenants
	} {
		t.Run(strings.ReplaceAll(taken.What(), "/", "-"), func(t *testing.T) {
			takeAway(t, account, token, taken)
			run := certify(t, existing(config, "--profile", "certification")...)
			run.requireCode(t, 3)
			complaint := run.complaint(t, "system:serviceaccount:katacert-e2e:"+account, taken.What()+" (to ", "katacert rbac --service-account katacert-e2e/"+account)
			if strings.Count(complaint, " (to ") != 1 {
				t.Errorf("more than one permission is named: %s", complaint)
			}
			requireWhole(t, run.report, complaint)
		})
	}
	requireNoNamespaces(t)
}

// existing are the arguments that certify the shared cluster as one of the user's.
func existing(kubeconfig string, args ...string) []string {
	return append([]string{"--cluster", "existing", "--kubeconfig", kubeconfig, "--runtime-class", "gvisor",
		"--image-registry", local.RegistryPrefix, "--skip-image-push"}, args...)
}

// bringImages pushes katacert's images to the shared cluster's registry, as the user
// of an existing cluster does with `katacert images push`.
func bringImages(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	set, err := images.Build(ctx, images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pause, err := set.Image("pause", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	c, err := local.Up(ctx, local.Options{Name: clusterName, PauseImage: pause})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := images.Push(ctx, set, images.PushOptions{Prefix: c.RegistryPrefix(), Transport: c.RegistryTransport(), Insecure: true}); err != nil {
		t.Fatal(err)
	}
}

// grantAccount makes a service account with what `katacert rbac` prints, and nothing
// else, and returns its token.
func grantAccount(t *testing.T, name string, args ...string) string {
	t.Helper()
	printed := katacert(t, append([]string{"rbac", "--service-account", "katacert-e2e/" + name}, args...)...)
	printed.requireCode(t, 0)
	for _, document := range strings.Split(printed.stdout, "---\n")[1:] {
		apply(t, document)
	}
	request := &authenticationv1.TokenRequest{}
	token, err := shared.client.CoreV1().ServiceAccounts("katacert-e2e").CreateToken(requestContext(t), name, request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}

// apply creates one printed object, which goes when the test ends.
func apply(t *testing.T, document string) {
	t.Helper()
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(document), nil, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	ctx, c := requestContext(t), shared.client
	remove := func() error { return nil }
	switch o := object.(type) {
	case *corev1.Namespace:
		if _, err = c.CoreV1().Namespaces().Get(ctx, o.Name, metav1.GetOptions{}); err != nil {
			_, err = c.CoreV1().Namespaces().Create(ctx, o, metav1.CreateOptions{})
		}
	case *corev1.ServiceAccount:
		_, err = c.CoreV1().ServiceAccounts(o.Namespace).Create(ctx, o, metav1.CreateOptions{})
		remove = func() error {
			return c.CoreV1().ServiceAccounts(o.Namespace).Delete(context.Background(), o.Name, metav1.DeleteOptions{})
		}
	case *rbacv1.ClusterRole:
		_, err = c.RbacV1().ClusterRoles().Create(ctx, o, metav1.CreateOptions{})
		remove = func() error {
			return c.RbacV1().ClusterRoles().Delete(context.Background(), o.Name, metav1.DeleteOptions{})
		}
	case *rbacv1.ClusterRoleBinding:
		_, err = c.RbacV1().ClusterRoleBindings().Create(ctx, o, metav1.CreateOptions{})
		remove = func() error {
			return c.RbacV1().ClusterRoleBindings().Delete(context.Background(), o.Name, metav1.DeleteOptions{})
		}
	case *rbacv1.Role:
		_, err = c.RbacV1().Roles(o.Namespace).Create(ctx, o, metav1.CreateOptions{})
		remove = func() error {
			return c.RbacV1().Roles(o.Namespace).Delete(context.Background(), o.Name, metav1.DeleteOptions{})
		}
	case *rbacv1.RoleBinding:
		_, err = c.RbacV1().RoleBindings(o.Namespace).Create(ctx, o, metav1.CreateOptions{})
		remove = func() error {
			return c.RbacV1().RoleBindings(o.Namespace).Delete(context.Background(), o.Name, metav1.DeleteOptions{})
		}
	default:
		t.Fatalf("katacert rbac prints a %T", object)
	}
	if err != nil {
		t.Fatalf("create %T: %v", object, err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
}

// takeAway removes one permission from an account until the test ends, and waits
// until the API server refuses it.
func takeAway(t *testing.T, account, token string, taken access.Permission) {
	t.Helper()
	roles := shared.client.RbacV1().ClusterRoles()
	role, err := roles.Get(requestContext(t), "katacert-"+account, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	whole := role.DeepCopy()
	for i, rule := range role.Rules {
		if slices.Contains(rule.Resources, taken.Resource) && slices.Contains(rule.APIGroups, taken.Group) {
			role.Rules[i].Verbs = slices.DeleteFunc(slices.Clone(rule.Verbs), func(verb string) bool { return verb == taken.Verb })
		}
	}
	role.Rules = slices.DeleteFunc(role.Rules, func(r rbacv1.PolicyRule) bool { return len(r.Verbs) == 0 })
	setRules(t, role, token, taken, false)
	t.Cleanup(func() { setRules(t, whole, token, taken, true) })
}

// setRules gives a role its rules and waits until the API server follows: its
// authorizer learns of them from a watch.
func setRules(t *testing.T, role *rbacv1.ClusterRole, token string, taken access.Permission, want bool) {
	t.Helper()
	role.ResourceVersion = ""
	if _, err := shared.client.RbacV1().ClusterRoles().Update(requestContext(t), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(shared.config)
	config.BearerToken = token
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	resource, subresource, _ := strings.Cut(taken.Resource, "/")
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
		Verb: taken.Verb, Group: taken.Group, Resource: resource, Subresource: subresource,
	}}}
	deadline := time.After(requestTimeout)
	for {
		answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(requestContext(t), review, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status.Allowed == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("after %s the API server still answers %t to %s", requestTimeout, !want, taken.What())
		case <-time.After(pollInterval):
		}
	}
}

// pollInterval is between two questions to the API server for what it tells no watch.
const pollInterval = 50 * time.Millisecond

// kubeconfigOf writes a kubeconfig for a token.
func kubeconfigOf(t *testing.T, cluster *clientcmdapi.Cluster, token string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["prod"] = cluster
	config.AuthInfos["certifier"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["prod"] = &clientcmdapi.Context{Cluster: "prod", AuthInfo: "certifier"}
	config.CurrentContext = "prod"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
