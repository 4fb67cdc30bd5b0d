//go:build e2e

package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// shared is the cluster that stays up for all tests that do not need their own.
var shared struct {
	once sync.Once
	// environ is what `katacert cluster up` printed, by variable.
	environ map[string]string
	config  *rest.Config
	client  kubernetes.Interface
}

// useCluster brings the shared cluster up, once.
func useCluster(t *testing.T) {
	t.Helper()
	shared.once.Do(func() {
		r := startFor(t, upTimeout, nil, "cluster", "up", "--name", clusterName).wait(t)
		r.requireCode(t, 0)
		shared.environ = map[string]string{}
		for line := range strings.Lines(r.stdout) {
			name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
			if !ok || !strings.HasPrefix(line, "export ") {
				t.Fatalf("cluster up printed %q, which no shell would set", line)
			}
			shared.environ[name] = value
		}
		var err error
		if shared.config, err = clientcmd.BuildConfigFromFlags("", shared.environ["KUBECONFIG"]); err != nil {
			t.Fatal(err)
		}
		if shared.client, err = kubernetes.NewForConfig(shared.config); err != nil {
			t.Fatal(err)
		}
	})
	if shared.client == nil {
		t.Fatal("the shared cluster did not come up, see the first test that needed it")
	}
}

// onCluster are the arguments that certify the shared cluster.
func onCluster(args ...string) []string {
	return append([]string{"--name", clusterName}, args...)
}

// requireNoNamespaces fails when a run left a namespace in the shared cluster.
func requireNoNamespaces(t *testing.T) {
	t.Helper()
	if left := runNamespaces(t); len(left) > 0 {
		t.Errorf("the cluster still has the namespaces %v", left)
	}
}

// runNamespaces lists the namespaces that runs made.
func runNamespaces(t *testing.T) []string {
	t.Helper()
	list, err := shared.client.CoreV1().Namespaces().List(requestContext(t), metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=katacert"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, namespace := range list.Items {
		names = append(names, namespace.Name)
	}
	return names
}

func requestContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	t.Cleanup(cancel)
	return ctx
}
