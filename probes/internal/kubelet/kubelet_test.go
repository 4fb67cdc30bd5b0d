package kubelet

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	// The test binary stands for a kubelet: it waits until it is killed.
	if len(os.Args) > 1 && os.Args[0] == "kubelet" {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestRootOf(t *testing.T) {
	for _, test := range []struct {
		line, want string
		ok         bool
	}{
		{"/usr/bin/kubelet --config=/etc/k.yaml", defaultRoot, true},
		{"/usr/bin/kubelet --root-dir=/data/kubelet --v=2", "/data/kubelet", true},
		{"kubelet --root-dir /data/kubelet/", "/data/kubelet", true},
		{"kubelet -root-dir=/data", "/data", true},
		{"/opt/kube kubelet --root-dir=/x", "/x", true},
		{"kubelet --root-dir=relative", defaultRoot, true},
		{"kubelet root-dir=/no-flag", defaultRoot, true},
		{"kubelet --root-dir", defaultRoot, true},
		{"/usr/bin/kube-proxy --root-dir=/x", "", false},
		{"vi kubelet.yaml", "", false},
		{"grep -r kubelet", "", false},
		{"", "", false},
	} {
		if got, ok := rootOf(strings.Fields(test.line)); got != test.want || ok != test.ok {
			t.Errorf("%q: %q, %v; want %q, %v", test.line, got, ok, test.want, test.ok)
		}
	}
}

// kubelet starts a process that is called like one and runs until the test ends.
func kubelet(t *testing.T, args ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := &exec.Cmd{Path: self, Args: append([]string{"kubelet"}, args...)}
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	// Start returns once the process has executed its program.
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
}

func TestRootFollowsTheRunningKubelet(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "pods"), 0o755); err != nil {
		t.Fatal(err)
	}
	kubelet(t, "--root-dir="+root)
	if got, err := Root("/"); err != nil || got != root {
		t.Fatalf("%q, %v; want %q", got, err, root)
	}
	// For another node it is nobody: the default holds, and there is none.
	if got, err := Root(t.TempDir()); err == nil {
		t.Errorf("%q of a node without a kubelet", got)
	}
	kubelet(t, "--root-dir=/elsewhere")
	if got, err := Root("/"); err == nil || !strings.Contains(err.Error(), "two kubelets") {
		t.Errorf("%q, %v with two kubelets", got, err)
	}
}

func TestEmptyDirs(t *testing.T) {
	host := t.TempDir()
	const uid = "0c1b9d6e-1111-4222-8333-123456789abc"
	volumes := func(pod string) string {
		return filepath.Join(host, "kubelet/pods", pod, "volumes/kubernetes.io~empty-dir")
	}
	for _, dir := range []string{volumes(uid) + "/sealed", volumes(uid) + "/other", volumes("not-a-pod!") + "/sealed", volumes(strings.Repeat("a", 32))} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/", volumes(strings.Repeat("a", 32))+"/sealed"); err != nil {
		t.Fatal(err)
	}
	node, err := os.OpenRoot(host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = node.Close() }()
	got, err := EmptyDirs(node, "/kubelet", "sealed")
	want := []Volume{{uid, "kubelet/pods/" + uid + "/volumes/kubernetes.io~empty-dir/sealed"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := EmptyDirs(node, "/nowhere", "sealed"); err == nil {
		t.Error("no error for a kubelet without pods")
	}
}
