package platform

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// The runtime names the pod's network namespace below /var/run, which is an absolute link
// on most nodes: it leads where it leads on the node.
func TestPodNetnsBelowALink(t *testing.T) {
	proc := t.TempDir()
	root := filepath.Join(proc, "1/root")
	for _, dir := range []string{"run/netns", "var"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/run", filepath.Join(root, "var/run")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "run/netns/cni-1")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Stat(file, &stat); err != nil {
		t.Fatal(err)
	}
	found := strconv.FormatUint(stat.Ino, 10)
	for name, c := range map[string]struct {
		proc, bundle, state, want string
	}{
		"below a link":       {proc, "/var/run/netns/cni-1", "", found},
		"by the state alone": {proc, "", "/run/netns/cni-1", found},
		"not there":          {proc, "/var/run/netns/cni-2", "", netnsLost},
		"named by the state": {proc, "/var/run/netns/cni-2", "/run/netns/cni-1", found},
		"none named":         {proc, "", "", ""},
		"no such process":    {t.TempDir(), "/var/run/netns/cni-1", "", ""},
	} {
		var b bundle
		if c.bundle != "" {
			b.Linux.Namespaces = []struct{ Type, Path string }{{"network", c.bundle}}
		}
		r := &sandboxReader{tree: Tree{Proc: c.proc}}
		if got := r.podNetns(process{dir: filepath.Join(c.proc, "77")}, b, kataState{netns: c.state}); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
