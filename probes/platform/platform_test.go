package platform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// envRole makes the test binary play a process that a probe should find: a copy
// of it under a shim's or a monitor's name is idle, or busy for a moment.
const envRole = "KATACERT_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(envRole) {
	case "":
		os.Exit(m.Run())
	case "busy":
		spin(300 * time.Millisecond)
		fmt.Println("ready")
	case "idle":
		fmt.Println("ready")
	}
	// Until the test closes the pipe, or dies.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// spin uses that much CPU time, however long a busy machine takes to give it.
func spin(d time.Duration) {
	for used := time.Duration(0); used < d; {
		var usage unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
			return
		}
		used = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
}

// start runs a copy of the test binary under a name, in a folder, and returns
// its pid once it is ready.
func start(t *testing.T, name, dir, role string, args ...string) (pid int, binary string) {
	t.Helper()
	return startIn(t, nil, name, dir, role, args...)
}

// startIn is start in further namespaces.
func startIn(t *testing.T, namespaces *syscall.SysProcAttr, name, dir, role string, args ...string) (pid int, binary string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(binary, data, 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, args...)
	command.SysProcAttr = namespaces
	command.Dir, command.Env, command.Stderr = dir, append(os.Environ(), envRole+"="+role), os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	if _, err := stdout.Read(make([]byte, 8)); err != nil {
		t.Fatalf("%s did not start: %v", name, err)
	}
	return command.Process.Pid, binary
}

// with returns the item that has the pid.
func with(t *testing.T, o evidence.Observation, list string, pid int) string {
	t.Helper()
	items, ok := o.Values.List(list)
	if !ok {
		t.Fatalf("no list %s: %+v", list, o)
	}
	i := slices.IndexFunc(items, func(item string) bool {
		return slices.Contains(strings.Fields(item), "pid="+strconv.Itoa(pid))
	})
	if i < 0 {
		t.Fatalf("pid %d is not among %v", pid, items)
	}
	return items[i]
}

func writeBundle(t *testing.T, dir string, annotations map[string]string) {
	t.Helper()
	config, err := json.Marshal(map[string]any{"ociVersion": "1.2.0", "annotations": annotations})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestShimsFindsARunningShim(t *testing.T) {
	bundle := t.TempDir()
	writeBundle(t, bundle, map[string]string{annotationSandboxID: "5a2b", annotationSandboxUID: "c6e64eb4-216f-4913-8870-78bc9dc3fb5d"})
	pid, binary := start(t, "containerd-shim-example-v1", bundle, "idle")
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	// A replaced binary must not change what is reported about the running one.
	if err := os.Remove(binary); err != nil {
		t.Fatal(err)
	}
	got := with(t, shims(&probes.Context{}), "sandboxes", pid)
	want := fmt.Sprintf("pod_uid=c6e64eb4-216f-4913-8870-78bc9dc3fb5d sandbox=5a2b handler= shim=containerd-shim-example-v1 sha256=%s pid=%d", hex.EncodeToString(sum[:]), pid)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A container's process that calls itself a shim or a monitor, beside a bundle that
// names its own pod, stands for no sandbox.
func TestContainersAreNoShims(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a PID namespace")
	}
	bundle := t.TempDir()
	writeBundle(t, bundle, map[string]string{annotationSandboxID: "5a2b", annotationSandboxUID: "mine", annotationNamespace: "katacert-run-a"})
	container := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	forged, _ := startIn(t, container, "containerd-shim-kata-v2", bundle, "idle")
	real, _ := start(t, "containerd-shim-kata-v2", bundle, "idle")
	monitor, _ := startIn(t, container, "qemu-system-x86_64", bundle, "idle")
	for _, look := range []struct {
		o    evidence.Observation
		list string
		pid  int
	}{{shims(&probes.Context{}), "sandboxes", forged}, {vmmProcesses(&probes.Context{}), "processes", monitor}} {
		lines, _ := look.o.Values.List(look.list)
		for _, line := range lines {
			if slices.Contains(strings.Fields(line), "pid="+strconv.Itoa(look.pid)) {
				t.Errorf("a container's process is listed: %s", line)
			}
		}
	}
	with(t, shims(&probes.Context{}), "sandboxes", real)
	all, _, err := processes(procfs)
	if err != nil {
		t.Fatal(err)
	}
	if owners := ownersOf(all, "run"); owners.byPID[forged] != "" || owners.byPID[real] != "mine" {
		t.Errorf("the owners are %v", owners.byPID)
	}
}

// TestSandboxAnnotations uses a folder laid out as procfs shows a shim.
func TestSandboxAnnotations(t *testing.T) {
	const id = "2354ba1d312cb28154892ff0c2f72d57a39ed506cfb4c5f3d3dd6a0524dc67f9"
	kata := "/opt/kata/bin/containerd-shim-kata-v2\x00-namespace\x00k8s.io\x00-address\x00/run/containerd/containerd.sock\x00-publish-binary\x00\x00-id\x00" + id + "\x00"
	inState := filepath.Join("root/run/containerd/io.containerd.runtime.v2.task/k8s.io", id)
	for name, test := range map[string]struct {
		bundle, cmdline string
		want            string
	}{
		"bundle is the working directory": {bundle: "cwd", want: "pod-a"},
		"bundle is named by arguments":    {bundle: inState, cmdline: kata, want: "pod-a"},
		"arguments of another sandbox":    {bundle: inState, cmdline: strings.ReplaceAll(kata, id, "other")},
		"arguments that lead elsewhere":   {bundle: "root/run/containerd/io.containerd.runtime.v2.task/evil", cmdline: "shim\x00-namespace\x00k8s.io\x00-id\x00../evil\x00"},
		"no bundle at all":                {bundle: "elsewhere", cmdline: kata},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeBundle(t, filepath.Join(dir, test.bundle), map[string]string{annotationSandboxID: id, annotationSandboxUID: "pod-a"})
			if err := os.WriteFile(filepath.Join(dir, "cmdline"), []byte(test.cmdline), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := sandboxAnnotations(process{dir: dir})[annotationSandboxUID]; got != test.want {
				t.Errorf("got pod %q, want %q", got, test.want)
			}
		})
	}
}

// TestBundleOfCRIO uses folders laid out as procfs shows Kata's shim and conmon under
// CRI-O.
func TestBundleOfCRIO(t *testing.T) {
	crio := map[string]string{
		"io.kubernetes.cri-o.SandboxID": "9f1c", "io.kubernetes.pod.uid": "pod-a", "io.kubernetes.pod.namespace": "katacert-run-tenant-a",
		"io.kubernetes.cri-o.RuntimeHandler": "kata", "io.kubernetes.cri-o.ContainerType": "sandbox",
	}
	claims := maps.Clone(crio)
	claims[annotationSandboxID], claims[annotationSandboxUID] = "5a2b", "pod-of-another"
	const userdata = "var/lib/containers/storage/overlay-containers/9f1c/userdata"
	for name, test := range map[string]struct {
		exe, bundle, cmdline string
		annotations          map[string]string
		pod, handler         string
	}{
		"Kata's shim":                       {"containerd-shim-kata-v2", "cwd", "/usr/bin/containerd-shim-kata-v2\x00-namespace\x00default\x00-id\x009f1c\x00", crio, "pod-a", "kata"},
		"conmon":                            {conmon, "root/" + userdata, "/usr/bin/conmon\x00-b\x00/" + userdata + "\x00-c\x009f1c\x00", crio, "pod-a", "kata"},
		"another program with that flag":    {"containerd-shim-kata-v2", "root/" + userdata, "shim\x00-b\x00/" + userdata + "\x00", crio, "", ""},
		"a pod that claims to be another's": {"containerd-shim-kata-v2", "cwd", "", claims, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeBundle(t, filepath.Join(dir, test.bundle), test.annotations)
			if err := os.WriteFile(filepath.Join(dir, "cmdline"), []byte(test.cmdline), 0o600); err != nil {
				t.Fatal(err)
			}
			got := sandboxAnnotations(process{dir: dir, exe: test.exe})
			if got[annotationSandboxUID] != test.pod || got[annotationHandler] != test.handler || (test.pod != "") != (got[annotationNamespace] == "katacert-run-tenant-a") {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestVMMProcessesCountCPUTime(t *testing.T) {
	idle, _ := start(t, "qemu-system-example", t.TempDir(), "idle")
	busy, _ := start(t, "cloud-hypervisor", t.TempDir(), "busy")
	other, _ := start(t, "qemu-img", t.TempDir(), "idle")
	o := vmmProcesses(&probes.Context{})
	var cpu [2]int64
	for i, pid := range []int{idle, busy} {
		var gotPID int
		var name string
		var rss int64
		if _, err := fmt.Sscanf(with(t, o, "processes", pid), "pid=%d name=%s cpu_us=%d rss_kib=%d", &gotPID, &name, &cpu[i], &rss); err != nil {
			t.Fatal(err)
		}
		if rss < 100 {
			t.Errorf("%s holds %d KiB", name, rss)
		}
	}
	if cpu[1]-cpu[0] < 100_000 {
		t.Errorf("the busy process used %d us, the idle one %d us; it spun for 300 ms of CPU time", cpu[1], cpu[0])
	}
	items, _ := o.Values.List("processes")
	for _, item := range items {
		if strings.Contains(item, fmt.Sprintf("pid=%d ", other)) {
			t.Errorf("qemu-img is no virtual machine monitor: %s", item)
		}
	}
}

func TestHoldsVM(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "fd"), 0o755); err != nil {
		t.Fatal(err)
	}
	for fd, target := range map[string]string{"0": "/dev/null", "14": "/dev/kvm", "15": "anon_inode:[eventfd]"} {
		if err := os.Symlink(target, filepath.Join(dir, "fd", fd)); err != nil {
			t.Fatal(err)
		}
	}
	budget := 10
	if holdsVM(process{dir: dir}, &budget) || budget != 7 {
		t.Errorf("a process that only opened /dev/kvm counts as a monitor, or the budget is %d instead of 7", budget)
	}
	if err := os.Symlink("anon_inode:kvm-vm", filepath.Join(dir, "fd/16")); err != nil {
		t.Fatal(err)
	}
	if !holdsVM(process{dir: dir}, &budget) {
		t.Error("a process with a KVM virtual machine does not count as a monitor")
	}
	budget = 0
	if holdsVM(process{dir: dir}, &budget) {
		t.Error("the search went on without a budget")
	}
}

func TestResidentMemoryCountsHugePages(t *testing.T) {
	for status, want := range map[string]int64{
		"VmPeak:\t 900 kB\nVmRSS:\t 700 kB\nHugetlbPages:\t 2048 kB\n": 2748, "VmRSS:\t 700 kB\n": 700, "HugetlbPages:\t 0 kB\n": -1, "VmRSS:\t many kB\n": -1,
	} {
		if got, ok := residentOf(status); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %d, %v", status, got, ok)
		}
	}
}

func TestStatMicros(t *testing.T) {
	for stat, want := range map[string]int64{
		"491 (qemu-system-x86) S 465 465 465 0 -1 138412416 10 0 0 0 250 50 0 0 20 0 5 0 1": 3_000_000,
		"7 (a) b) c) R 1 7 7 0 -1 0 0 0 0 0 1 2 0 0":                                        30_000,
	} {
		if got, ok := statMicros(stat); !ok || got != want {
			t.Errorf("statMicros(%q) = %d, %t; want %d", stat, got, ok, want)
		}
	}
	for _, stat := range []string{"", "7 (a) R 1 2", "7 (a) R 1 7 7 0 -1 0 0 0 0 0 one two 0 0"} {
		if _, ok := statMicros(stat); ok {
			t.Errorf("statMicros(%q) found times", stat)
		}
	}
}

func TestNode(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"machine-id": "0123456789abcdef0123456789abcdef\n",
		"os-release": "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
	} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := node(&probes.Context{HostRoot: root + "/"})
	if id, _ := o.Values.Text("machine_id"); id != "0123456789abcdef0123456789abcdef" {
		t.Errorf("got machine id %q", id)
	}
	if name, _ := o.Values.Text("os"); name != "Debian GNU/Linux 12 (bookworm)" {
		t.Errorf("got operating system %q", name)
	}
	if version, ok := o.Values.Number("cgroup_version"); ok {
		t.Errorf("control groups of version %d without any", version)
	}
	if err := os.MkdirAll(filepath.Join(root, "sys/fs/cgroup"), 0o755); err != nil {
		t.Fatal(err)
	}
	if version, _ := node(&probes.Context{HostRoot: root + "/"}).Values.Number("cgroup_version"); version != 1 {
		t.Errorf("a folder that is no cgroup2 is of version %d", version)
	}
	if v := cgroupVersion("/sys"); v != 0 {
		t.Errorf("sysfs itself is of version %d", v)
	}
	clock, _ := o.Values.Number("clock_ns")
	if off := time.Since(time.Unix(0, clock)).Abs(); off > time.Minute {
		t.Errorf("the clock is %s off", off)
	}
}

func TestOnlyTheWitnessLooksAtTheNode(t *testing.T) {
	for _, round := range evidence.Rounds() {
		if o, _ := probes.Run(&probes.Context{Vantage: evidence.Reference, Round: round}, Probes()); len(o) != 0 {
			t.Errorf("the reference observed %v in round %s", o, round)
		}
	}
}
