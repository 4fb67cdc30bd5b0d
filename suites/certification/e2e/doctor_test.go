//go:build e2e

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/suites/doctor"
)

// Doctor says of an existing cluster what can be certified, as a user who has the
// permissions of profile quick alone, and makes nothing unless it is told to look.
func TestDoctorOfACluster(t *testing.T) {
	useCluster(t)
	token := grantAccount(t, "doctor", "--profile", "quick")
	config := kubeconfigOf(t, &clientcmdapi.Cluster{Server: shared.config.Host,
		CertificateAuthorityData: shared.config.CAData, CertificateAuthority: shared.config.CAFile}, token)

	d := diagnosed(t, 0, "--kubeconfig", config)
	if d.Looked || !d.Sound() {
		t.Errorf("looked %t, sound %t", d.Looked, d.Sound())
	}
	i := slices.IndexFunc(d.Targets, func(target doctor.Target) bool { return target.RuntimeClass == "gvisor" })
	if i < 0 || d.Targets[i].Node != nodeName || d.Targets[i].State == doctor.Problem {
		t.Errorf("targets %+v", d.Targets)
	}
	for _, p := range d.Profiles {
		if lacks := len(p.Lacks) > 0; lacks == (p.Name == "quick") {
			t.Errorf("profile %+v", p)
		}
	}
	requireFinding(t, d, "cluster", "permission", doctor.Missing, "create networkpolicies")
	requireFinding(t, d, "cluster", "admission", doctor.OK, "witness")
	requireFinding(t, d, "node "+nodeName, "container-runtime", doctor.OK, "containerd://")
	requireNoNamespaces(t)

	bringImages(t)
	d = diagnosed(t, 0, "--kubeconfig", config, "--look", "--image-registry", local.RegistryPrefix, "--skip-image-push")
	if !d.Looked || len(d.Leftovers) > 0 {
		t.Errorf("looked %t, left %v", d.Looked, d.Leftovers)
	}
	requireFinding(t, d, "node "+nodeName, "witness", doctor.OK, "exec")
	requireFinding(t, d, "node "+nodeName, "handler runsc", doctor.OK, "runtime io.containerd.runsc.v1")
	for _, f := range d.Findings {
		if f.Name == "virtualisation" && f.State == doctor.Unknown {
			t.Errorf("the witness did not tell: %+v", f)
		}
	}
	requireNoNamespaces(t)
}

// A RuntimeClass whose handler the node does not know is a problem that is named
// before a pod waits for it, and alone leaves nothing to certify.
func TestDoctorOfAClassWithoutHandler(t *testing.T) {
	useCluster(t)
	classes := shared.client.NodeV1().RuntimeClasses()
	class := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "kata-absent"}, Handler: "kata-absent"}
	if _, err := classes.Create(requestContext(t), class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := classes.Delete(requestContext(t), class.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	bringImages(t)
	look := []string{"--kubeconfig", shared.environ["KUBECONFIG"], "--look", "--image-registry", local.RegistryPrefix, "--skip-image-push"}
	d := diagnosed(t, 3, append(look, "--runtime-class", class.Name)...)
	if len(d.Targets) != 1 || d.Targets[0].State != doctor.Problem {
		t.Errorf("targets %+v", d.Targets)
	}
	requireNoNamespaces(t)
}

// diagnosed runs doctor and reads what it found.
func diagnosed(t *testing.T, code int, args ...string) *doctor.Diagnosis {
	t.Helper()
	r := katacert(t, append([]string{"doctor", "--output", "json"}, args...)...)
	r.requireCode(t, code)
	var d doctor.Diagnosis
	strict := json.NewDecoder(strings.NewReader(r.stdout))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&d); err != nil {
		t.Fatalf("%v in\n%s", err, r.stdout)
	}
	for _, f := range d.Findings {
		t.Logf("%-8s %-24s %-18s %s", f.State, f.About, f.Name, f.Detail)
	}
	return &d
}

func requireFinding(t *testing.T, d *doctor.Diagnosis, about, name string, state doctor.State, says string) {
	t.Helper()
	if !slices.ContainsFunc(d.Findings, func(f doctor.Finding) bool {
		return f.About == about && f.Name == name && f.State == state && strings.Contains(f.Detail, says)
	}) {
		t.Errorf("nothing is %s of %s of %s and says %q", state, name, about, says)
	}
}
