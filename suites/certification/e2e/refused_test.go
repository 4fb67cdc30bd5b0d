//go:build e2e

package e2e

import (
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// What is not there is refused with the usage exit code, on one line that names
// what there is; no folder of a run is left.
func TestUnknownNames(t *testing.T) {
	useCluster(t)
	config := filepath.Join(t.TempDir(), "katacert.yaml")
	if err := os.WriteFile(config, []byte("profil: quick\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args  []string
		texts []string
	}{
		"RuntimeClass":    {[]string{"--runtime-class", "nope"}, []string{`RuntimeClass "nope"`, "gvisor", "runc"}},
		"node":            {[]string{"--nodes", "nope"}, []string{`node "nope"`, nodeName}},
		"reference class": {[]string{"--reference-runtime-class", "nope"}, []string{`RuntimeClass "nope"`, "reference", "runc"}},
		"profile":         {[]string{"--profile", "nope"}, []string{`profile "nope"`, "quick", "nightly"}},
		"control":         {[]string{"--controls", "^nope$"}, []string{"^nope$", "katacert catalogue"}},
		"expression":      {[]string{"--controls", "("}, []string{"--controls", "regular expression"}},
		"flag":            {[]string{"--nope"}, []string{"--nope", "katacert certify --help"}},
		"field":           {[]string{"--config", config}, []string{config, `"profil"`, "flags"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			r := start(t, nil, append([]string{"certify", "--out", out}, onCluster(test.args...)...)...).wait(t)
			r.requireCode(t, 2)
			r.complaint(t, test.texts...)
			if left, _ := os.ReadDir(out); len(left) > 0 {
				t.Errorf("%s holds %v", out, left)
			}
		})
	}
	requireNoNamespaces(t)
}

// A cluster that cannot be used is reported on one line, and by a whole report.
func TestUnusableClusters(t *testing.T) {
	useCluster(t)
	valid, err := clientcmd.LoadFromFile(shared.environ["KUBECONFIG"])
	if err != nil {
		t.Fatal(err)
	}
	server := valid.Clusters[valid.Contexts[valid.CurrentContext].Cluster].Server
	closed := closedPort(t)
	corrupt := filepath.Join(t.TempDir(), "corrupt")
	if err := os.WriteFile(corrupt, []byte("apiVersion: v1\nkind: Config\nclusters: {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	host := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer host.Close()
	prefix := strings.TrimPrefix(host.URL, "http://") + "/katacert"

	for name, test := range map[string]struct {
		kubeconfig string
		args       []string
		texts      []string
	}{
		"unreachable": {
			kubeconfig: changed(t, valid, func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = "https://" + closed }),
			texts:      []string{closed, "connection refused", "is it running"},
		},
		"bogus token": {
			kubeconfig: changed(t, valid, func(_ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
				*user = clientcmdapi.AuthInfo{Token: "bogus"}
			}),
			texts: []string{server, "credentials", "renew them"},
		},
		"no rights": {
			kubeconfig: changed(t, valid, func(_ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
				*user = clientcmdapi.AuthInfo{Token: tokenWithoutRights(t)}
			}),
			args:  []string{"--image-registry", prefix, "--insecure-registry"},
			texts: []string{"system:serviceaccount:default:without-rights, may not", "list nodes (to plan", "create pods/exec", "katacert rbac --service-account default/without-rights"},
		},
		"corrupt kubeconfig": {kubeconfig: corrupt, texts: []string{corrupt, "cannot be read"}},
		"no kubeconfig":      {kubeconfig: corrupt + "-not-there", texts: []string{corrupt + "-not-there", "--kubeconfig"}},
		"unknown context": {
			kubeconfig: shared.environ["KUBECONFIG"],
			args:       []string{"--context", "nope"},
			texts:      []string{`context "nope"`, valid.CurrentContext},
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := certify(t, append([]string{"--cluster", "existing", "--kubeconfig", test.kubeconfig, "--profile", "quick"}, test.args...)...)
			run.requireCode(t, 3)
			complaint := run.complaint(t, test.texts...)
			requireWhole(t, run.report, complaint)
		})
	}
	requireNoNamespaces(t)
}

// An existing cluster has no registry of its own: without one, nothing starts.
func TestExistingClusterWithoutRegistry(t *testing.T) {
	useCluster(t)
	r := katacert(t, "certify", "--out", t.TempDir(), "--cluster", "existing", "--kubeconfig", shared.environ["KUBECONFIG"])
	r.requireCode(t, 2)
	r.complaint(t, "--image-registry", "probe", "trainer")
}

// Without root a local cluster is refused at once.
func TestNotRoot(t *testing.T) {
	const nobody = 65534
	home := filepath.Join(scratch, "nobody")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	p := start(t, func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir = home
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	}, "certify", "--out", filepath.Join(home, "reports"))
	r := p.wait(t)
	r.requireCode(t, 3)
	r.complaint(t, "root", "65534", "sudo katacert")
}

// A full disk ends the run: it says so, and keeps what it could write.
func TestFullDisk(t *testing.T) {
	useCluster(t)
	disk, kept := t.TempDir(), t.TempDir()
	// The disk exists in a mount namespace of its own, so what is on it is
	// copied out before that goes. It is filled when the first evidence is there.
	const script = `mount -t tmpfs -o size=8m full "$1" || exit
(until [ -s "$(echo "$1"/*/evidence.jsonl)" ]; do sleep 0.02; done; cat /dev/zero > "$1/fill") 2>/dev/null &
"$3" certify --out "$1" --name "$4" --profile quick --runtime-class gvisor; code=$?
kill $! 2>/dev/null; wait; rm -f "$1/fill"; cp -a "$1/." "$2/"; exit $code`
	p := start(t, func(cmd *exec.Cmd) {
		shell, err := exec.LookPath("unshare")
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path = shell
		cmd.Args = []string{"unshare", "--mount", "sh", "-c", script, "sh", disk, kept, program, clusterName}
	})
	r := p.wait(t)
	r.requireCode(t, 3)
	requireTexts(t, r.stderr, "katacert: ", "no space left on device", "kept", disk)
	requireTexts(t, r.stdout, "PARTIAL", "no space left on device")
	runs, err := filepath.Glob(filepath.Join(kept, "*"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("%v is kept", runs)
	}
	if records := readEvidence(t, runs[0]); len(records) == 0 {
		t.Error("no evidence is kept")
	}
	requireNoNamespaces(t)
}

// changed writes a copy of a kubeconfig with its current cluster and user
// changed.
func changed(t *testing.T, valid *clientcmdapi.Config, change func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo)) string {
	t.Helper()
	config := valid.DeepCopy()
	current := config.Contexts[config.CurrentContext]
	change(config.Clusters[current.Cluster], config.AuthInfos[current.AuthInfo])
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// closedPort returns an address of this machine on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// tokenWithoutRights is of a user whom the cluster knows and allows nothing.
func tokenWithoutRights(t *testing.T) string {
	t.Helper()
	accounts := shared.client.CoreV1().ServiceAccounts("default")
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "without-rights"}}
	if _, err := accounts.Create(requestContext(t), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := accounts.CreateToken(requestContext(t), account.Name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}
