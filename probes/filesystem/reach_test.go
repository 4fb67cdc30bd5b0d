package filesystem

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/plant"
)

func TestCanaryWalkFindsThePlantedFilesWhereverTheNodeIsMounted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("planting needs root")
	}
	node, seed := nodeRoot(t), "seed of "+t.Name()+t.TempDir()
	witness := probes.Context{Run: "test-walk", Round: evidence.Act, Vantage: evidence.Witness, HostRoot: node, Seed: []byte(seed)}
	t.Cleanup(func() {
		if _, err := plant.Sweep(node, witness.Run); err != nil {
			t.Error(err)
		}
	})
	observations, _ := probes.Run(&witness, plant.Probes())
	planted := 0
	for _, line := range list(t, observations[0], "planted") {
		if strings.HasPrefix(line, "file ") {
			planted++
		}
	}

	pod := func(source, seed string) []string {
		mountPoint := mkdir(t, filepath.Join(t.TempDir(), "an odd", "place"))
		seeker := probes.Context{Run: witness.Run, Round: evidence.LookAgain, Vantage: evidence.Weakened("host-path"), Seek: seek(seed)}
		o := child{ctx: seeker, mounts: map[string]string{source: mountPoint}, alone: true}.observe(t)["canary-walk"]
		return list(t, o, "found")
	}
	if found := pod(node, seed); len(found) < planted || planted == 0 {
		t.Errorf("%d planted, found %q", planted, found)
	}
	for _, part := range []string{"var", "run", "var/lib"} {
		if found := pod(filepath.Join(node, part), seed); len(found) == 0 {
			t.Errorf("with only the node's /%s mounted nothing was found", part)
		}
	}
	if found := pod(node, "another seed"); len(found) > 0 {
		t.Errorf("another seed's canaries: %q", found)
	}
	witness.Round = evidence.Settle
	observations, _ = probes.Run(&witness, plant.Probes())
	if left := list(t, observations[0], "left"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if found := pod(node, seed); len(found) > 0 {
		t.Errorf("found after settle: %q", found)
	}
}

func TestCanaryWalkWithoutAHashFails(t *testing.T) {
	if o := canaryWalk(&probes.Context{}); o.State != evidence.Failed {
		t.Errorf("%+v", o)
	}
}

func TestRuntimeSocketsAreConnectedToBelowAMount(t *testing.T) {
	node := nodeRoot(t)
	listener, err := net.Listen("unix", filepath.Join(node, "run/containerd/containerd.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	dead := filepath.Join(node, "run/docker.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: dead}); err != nil {
		t.Fatal(err)
	}
	// A FIFO with a socket's name must be neither opened nor reported.
	mkdir(t, filepath.Join(node, "run/crio"))
	if err := unix.Mkfifo(filepath.Join(node, "run/crio/crio.sock"), 0o666); err != nil {
		t.Fatal(err)
	}

	for name, source := range map[string]string{"root": node, "run": filepath.Join(node, "run"), "directory": filepath.Join(node, "run/containerd")} {
		// Long enough for the path to exceed what an address holds.
		mountPoint := mkdir(t, filepath.Join(t.TempDir(), strings.Repeat("long-", 20), name))
		seeker := probes.Context{Run: "r1", Round: evidence.LookAgain, Vantage: evidence.Weakened("host-path-run")}
		o := child{ctx: seeker, mounts: map[string]string{source: mountPoint}}.observe(t)["runtime-sockets"]
		reachable, present := list(t, o, "reachable"), list(t, o, "present")
		if !anyContains(reachable, mountPoint) || !anyContains(reachable, "containerd.sock") {
			t.Errorf("node's %s mounted at %s: reachable %q", name, mountPoint, reachable)
		}
		if anyContains(reachable, "docker.sock") || anyContains(present, "crio.sock") {
			t.Errorf("node's %s mounted: reachable %q, present %q", name, reachable, present)
		}
		if name != "directory" && !anyContains(present, mountPoint) {
			t.Errorf("present %q", present)
		}
	}

	witness := &probes.Context{Run: "r1", Round: evidence.LookAgain, Vantage: evidence.Witness, HostRoot: node}
	present := list(t, runtimeSockets(witness), "present")
	if len(present) != 2 || present[0] != "/run/containerd/containerd.sock" || present[1] != "/run/docker.sock" {
		t.Errorf("on the node: %q", present)
	}
}

// A volume of a single file may give a socket any name: where nobody listens on
// it, it is no way to the node.
func TestSocketsThatAreMountPointsAreConnectedToUnderAnyName(t *testing.T) {
	node := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(node, "alive"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Join(node, "dead")}); err != nil {
		t.Fatal(err)
	}
	seeker := probes.Context{Run: "r1", Round: evidence.LookAgain, Vantage: evidence.Subject}
	for source, wanted := range map[string]bool{"alive": true, "dead": false} {
		mountPoint := filepath.Join(t.TempDir(), "training.log")
		if err := os.WriteFile(mountPoint, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		o := child{ctx: seeker, mounts: map[string]string{filepath.Join(node, source): mountPoint}}.observe(t)["runtime-sockets"]
		if !slices.Contains(list(t, o, "present"), mountPoint) {
			t.Errorf("%s: the mounted socket is not seen: %q", source, list(t, o, "present"))
		}
		if got := slices.Contains(list(t, o, "reachable"), mountPoint); got != wanted {
			t.Errorf("%s: reachable %v, want %v", source, got, wanted)
		}
	}
}

func TestLeakedDescriptorLeadsOutside(t *testing.T) {
	node := nodeRoot(t)
	mountPoint := mkdir(t, filepath.Join(t.TempDir(), "host"))
	look := probes.Context{Run: "r1", Round: evidence.Look, Vantage: evidence.Weakened("leaked-descriptor")}
	weakened := child{ctx: look, mounts: map[string]string{node: mountPoint}}

	if outside := list(t, weakened.observe(t)["descriptors"], "outside"); len(outside) > 0 {
		t.Errorf("nothing leaked, yet outside are %q", outside)
	}
	weakened.leak = filepath.Join(mountPoint, "var")
	outside := list(t, weakened.observe(t)["descriptors"], "outside")
	if len(outside) != 1 || !strings.HasPrefix(outside[0], "fd ") {
		t.Errorf("leaked %s, outside are %q", weakened.leak, outside)
	}
}

func TestLeakRefusesWhatNoVolumeShows(t *testing.T) {
	for _, dir := range []string{filepath.Join(t.TempDir(), "missing"), "/"} {
		if err := Leak(dir, []string{"/proc/self/exe"}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("leak of %s: %v", dir, err)
		}
	}
}

func TestInheritedDescriptorsOfOwnFilesAreInside(t *testing.T) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	folder, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = folder.Close() }()
	ctx := probes.Context{Run: "r1", Round: evidence.Look, Vantage: evidence.Subject}
	// In its own mount namespace, every mount of the child is another than the
	// one through which these were opened: for a file that is outside.
	o := child{ctx: ctx, files: []*os.File{file, folder}}.observe(t)["descriptors"]
	outside := list(t, o, "outside")
	if len(outside) != 1 || !strings.Contains(outside[0], "fd 3 -> "+dir) {
		t.Errorf("outside %q", outside)
	}
	if checked, _ := o.Values.Number("checked"); checked < 4 {
		t.Errorf("only %d checked", checked)
	}
}
