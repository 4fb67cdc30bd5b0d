package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// The head and the fields of a smaps_rollup that count, as Linux 6.18 writes them.
const rollup = `00010000-7ffd7a7f5000 ---p 00000000 00:00 0                              [rollup]
Rss:               39000 kB
Pss:               %d kB
Pss_Dirty:          9000 kB
Pss_Anon:          %d kB
Pss_File:           2000 kB
Pss_Shmem:         %d kB
Shared_Clean:       5544 kB
Locked:                0 kB
`

// fakeProcess writes what procfs shows of a process.
type fakeProcess struct {
	pid, parent         int
	exe, cgroup         string
	pss, anonymous, shm int
	annotations         map[string]string
	rollup              string
}

func (f fakeProcess) write(t *testing.T, root string) {
	t.Helper()
	dir := filepath.Join(root, strconv.Itoa(f.pid))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/bin/"+f.exe, filepath.Join(dir, "exe")); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"cgroup":       "0::" + f.cgroup + "\n",
		"stat":         fmt.Sprintf("%d (a name) ) S %d 1 1 0", f.pid, f.parent),
		"smaps_rollup": fmt.Sprintf(rollup, f.pss, f.anonymous, f.shm),
	}
	if f.rollup != "" {
		files["smaps_rollup"] = f.rollup
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if f.annotations != nil {
		writeBundle(t, filepath.Join(dir, "cwd"), f.annotations)
	}
}

func TestMeasureSandboxes(t *testing.T) {
	const uid, other, id = "c6e64eb4-216f-4913-8870-78bc9dc3fb5d", "11111111-216f-4913-8870-78bc9dc3fb5d", "2354ba1d312cb28154892ff0c2f72d57a39ed506cfb4c5f3d3dd6a0524dc67f9"
	of := func(uid, id, namespace string) map[string]string {
		return map[string]string{annotationSandboxID: id, annotationSandboxUID: uid, annotationNamespace: namespace}
	}
	root := t.TempDir()
	for _, p := range []fakeProcess{
		{pid: 10, parent: 1, exe: "containerd-shim-kata-v2", cgroup: "/system.slice/containerd.service", anonymous: 1000, annotations: of(uid, id, "katacert-r1-tenant-a")},
		// In the pod's cgroup, in both of the kubelet's spellings.
		{pid: 11, parent: 1, exe: "qemu-system-x86_64", cgroup: "/kubepods/burstable/pod" + uid + "/kata", anonymous: 200, shm: 50000},
		{pid: 12, parent: 1, exe: "virtiofsd", cgroup: "/kubepods.slice/kubepods-podc6e64eb4_216f_4913_8870_78bc9dc3fb5d.slice/x", anonymous: 30},
		// Kata's own cgroup for what it keeps outside of the pod's.
		{pid: 13, parent: 1, exe: "vhost", cgroup: "/kata_overhead/" + id, anonymous: 4},
		// A grandchild of the shim, in the shim's cgroup.
		{pid: 14, parent: 15, exe: "helper", cgroup: "/system.slice/containerd.service", anonymous: 5},
		{pid: 15, parent: 10, exe: "helper", cgroup: "/system.slice/containerd.service", anonymous: 6},
		// A kernel that does not tell anonymous pages apart.
		{pid: 16, parent: 10, exe: "helper", cgroup: "/", rollup: "Rss: 9 kB\nPss:  7 kB\n"},
		// Others' pods, and the node's own processes.
		{pid: 20, parent: 1, exe: "containerd-shim-runc-v2", cgroup: "/system.slice/containerd.service", anonymous: 9, annotations: of(other, "ffff", "default")},
		{pid: 21, parent: 20, exe: "nginx", cgroup: "/kubepods/burstable/pod" + other + "/x", anonymous: 9},
		{pid: 22, parent: 1, exe: "containerd", cgroup: "/system.slice/containerd.service", anonymous: 9},
		{pid: 23, parent: 1, exe: "containerd-shim-runc-v2", cgroup: "/system.slice/containerd.service", anonymous: 9, annotations: of("aaaa", "eeee", "katacert-r10-tenant-a")},
	} {
		p.write(t, root)
	}
	want := "pod_uid=" + uid + " shim_kib=1000 rest_kib=50252 processes=7 unread=0"
	got := measureSandboxes(root, "r1")
	if list, _ := got.Values.List("sandboxes"); got.State != evidence.Seen || len(list) != 1 || list[0] != want {
		t.Errorf("got  %+v\nwant %s", got, want)
	}
	// A process that runs and cannot be read is told.
	if err := os.Remove(filepath.Join(root, "11/smaps_rollup")); err != nil {
		t.Fatal(err)
	}
	if list, _ := measureSandboxes(root, "r1").Values.List("sandboxes"); len(list) != 1 || list[0] != "pod_uid="+uid+" shim_kib=1000 rest_kib=52 processes=6 unread=1" {
		t.Errorf("got %q", list)
	}
	if got := measureSandboxes(root, "r2"); got.State != evidence.Absent {
		t.Errorf("a run without sandboxes: %+v", got)
	}
}

// On this machine's own procfs: a shim that runs is measured.
func TestSandboxMemoryOfARunningShim(t *testing.T) {
	bundle := t.TempDir()
	writeBundle(t, bundle, map[string]string{annotationSandboxID: "5a2b", annotationSandboxUID: "uid-of-test-" + strconv.Itoa(os.Getpid()), annotationNamespace: "katacert-rtest-tenant-a"})
	pid, _ := start(t, "containerd-shim-example-v1", bundle, "idle")
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err != nil {
		t.Skipf("this kernel has no smaps_rollup: %v", err)
	}
	list, _ := sandboxMemory(&probes.Context{Run: "rtest"}).Values.List("sandboxes")
	var shim, rest, processes, unread int
	if len(list) != 1 {
		t.Fatalf("measured %q", list)
	}
	if _, err := fmt.Sscanf(list[0], "pod_uid=uid-of-test-"+strconv.Itoa(os.Getpid())+" shim_kib=%d rest_kib=%d processes=%d unread=%d", &shim, &rest, &processes, &unread); err != nil {
		t.Fatal(err)
	}
	if shim < 100 || shim > 1<<20 || rest != 0 || processes != 1 || unread != 0 {
		t.Errorf("measured %s", list[0])
	}
}
