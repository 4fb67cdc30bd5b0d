package vmm_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/platform"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/vmm"
)

// envShim makes the test binary play a shim: it starts what the JSON in it says and
// ends its children when the test closes its standard input, or dies.
const envShim = "KATACERT_TEST_SHIM"

// child is one process that a played shim starts.
type child struct {
	Argv []string
	// OwnNetwork gives it a network namespace of its own, as the pod's.
	OwnNetwork bool
	// Await is a file that must be there before the next child starts.
	Await string
}

func TestMain(m *testing.M) {
	plan, plays := os.LookupEnv(envShim)
	if !plays {
		os.Exit(m.Run())
	}
	if err := playShim(plan); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func playShim(plan string) error {
	var children []child
	if err := json.Unmarshal([]byte(plan), &children); err != nil {
		return err
	}
	// Pdeathsig counts from the thread that started the child.
	runtime.LockOSThread()
	var running []*exec.Cmd
	defer func() {
		for _, cmd := range running {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	for _, c := range children {
		cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
		cmd.Stderr = os.Stderr
		// A child must not outlive a shim that is killed.
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if c.OwnNetwork {
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		running = append(running, cmd)
		if err := awaitFile(c.Await); err != nil {
			return err
		}
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// startBound bounds how long real processes may take to come up on a busy machine.
const startBound = 2 * time.Minute

func awaitFile(path string) error {
	if path == "" {
		return nil
	}
	for end := time.Now().Add(startBound); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s did not appear within %s", path, startBound)
}

// shim starts the test binary as a shim of that name for a pod, in a bundle.
func shim(t *testing.T, name, id, uid string, children ...child) {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), id)
	config, err := json.Marshal(map[string]any{"annotations": map[string]string{"io.kubernetes.cri.sandbox-id": id, "io.kubernetes.cri.sandbox-uid": uid,
		"io.kubernetes.cri.sandbox-namespace": "katacert-" + recordings.Run + "-tenant-a"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(bundle, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := json.Marshal(children)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Dir, cmd.Env, cmd.Stderr = bundle, append(os.Environ(), envShim+"="+string(plan)), os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the shim %s ended: %v", name, err)
		}
	})
}

const (
	realQEMU      = "/usr/bin/qemu-system-x86_64"
	realVirtiofsd = "/usr/lib/qemu/virtiofsd"
	realID        = "8e316c8050bffb24b44318cc2f6adc7df5162ff895f6861c3a2a41aa409df093"
)

// A real QEMU and a real virtiofsd, which Kata would start like this, are read in
// this machine's own procfs and judged by what they are.
func TestRealProcesses(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give processes namespaces of their own")
	}
	for _, binary := range []string{realQEMU, realVirtiofsd} {
		if _, err := os.Stat(binary); err != nil {
			t.Fatalf("the Debian packages qemu-system-x86 and qemu-system-common are needed (.ci/packages): %v", err)
		}
	}
	for _, test := range []struct {
		name string
		// share is what virtiofsd is told to share, below the folder of sandboxes.
		share, sandbox string
		ownNetwork     bool
		memory         string
		qemu           []string
		want           map[string]judge.Result
		// says is what the verdict on the file server must say, and not what it must not.
		says, not string
	}{
		{
			name: "as Kata starts them", share: realID + "/shared", sandbox: "namespace", ownNetwork: true, memory: ".",
			want: map[string]judge.Result{"vmm-netns": judge.Pass, "virtiofsd-posture": judge.Fail, "virtiofsd-arguments": judge.Pass, "memory-sharing": judge.Pass,
				"vmm-posture": judge.Fail, "vmm-seccomp": judge.Fail, "vmm-cgroup": judge.Fail},
			// QEMU's own virtiofsd, which Kata has left behind, confines its first thread
			// and not the one that GLib started before: a judge of processes misses it.
			says: "runs 1 of 2 threads without a seccomp filter", not: "as its root",
		},
		{
			name: "broken where Kata is sound, sound where Kata is not", share: ".", sandbox: "chroot", memory: "memory",
			qemu: []string{"-sandbox", "on,obsolete=deny,spawn=deny,resourcecontrol=deny"},
			want: map[string]judge.Result{"vmm-netns": judge.Fail, "virtiofsd-posture": judge.Fail, "virtiofsd-arguments": judge.Fail, "memory-sharing": judge.Fail,
				"vmm-posture": judge.Fail, "vmm-seccomp": judge.Pass, "vmm-cgroup": judge.Fail},
			says: "has the node's files as its root", not: "no such thing",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := shortFolder(t)
			sandboxes := filepath.Join(dir, "shared/sandboxes")
			share := filepath.Join(sandboxes, test.share)
			if err := os.MkdirAll(share, 0o755); err != nil {
				t.Fatal(err)
			}
			socket, pidfile := filepath.Join(dir, "fs.sock"), filepath.Join(dir, "pid")
			uid := fmt.Sprintf("uid-of-real-processes-%d", os.Getpid())
			shim(t, "containerd-shim-kata-v2", realID, uid,
				child{Await: socket, Argv: []string{realVirtiofsd, "--socket-path=" + socket, "-o", "source=" + share, "-o", "sandbox=" + test.sandbox}},
				child{Await: pidfile, OwnNetwork: test.ownNetwork, Argv: append([]string{realQEMU, "-name", "sandbox-" + realID, "-machine", "q35,accel=tcg", "-m", "64M",
					"-object", "memory-backend-file,id=dimm1,size=64M,mem-path=" + filepath.Join(dir, test.memory) + ",share=on", "-numa", "node,memdev=dimm1",
					"-chardev", "socket,id=fs,path=" + socket, "-device", "vhost-user-fs-pci,chardev=fs,tag=kataShared",
					"-display", "none", "-vga", "none", "-nodefaults", "-no-user-config", "-S", "-pidfile", pidfile}, test.qemu...)})
			shim(t, "containerd-shim-runc-v2", "plain", plainPod)
			records := awaitReal(t, uid)
			posture, err := catalogue.Find(vmm.Controls(), "virtiofsd-posture")
			if err != nil {
				t.Fatal(err)
			}
			if v := posture.Judge(judge.Gather(records)); !strings.Contains(v.Reason, test.says) || strings.Contains(v.Reason, test.not) {
				t.Errorf("the file server is judged %q", v.Reason)
			}
			for id, want := range test.want {
				c, err := catalogue.Find(vmm.Controls(), id)
				if err != nil {
					t.Fatal(err)
				}
				if v := c.Judge(judge.Gather(records)); v.Result != want || !v.Shown {
					t.Errorf("%s: %s, shown %t (%s), want %s", id, v.Result, v.Shown, v.Reason, want)
				} else {
					t.Logf("%s: %s: %s", id, v.Result, v.Reason)
				}
			}
		})
	}
}

// shortFolder is a folder whose path leaves room for a socket's name (unix(7): 108
// bytes), which those of the testing package need not.
func shortFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vmm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// awaitReal looks at this machine until the monitor and the worker of the file
// server are there; the worker confines itself after the monitor connected.
func awaitReal(t *testing.T, uid string) []evidence.Record {
	t.Helper()
	node := platform.Tree{Proc: "/proc", Root: "/"}
	var processes evidence.Observation
	for end := time.Now().Add(startBound); ; time.Sleep(50 * time.Millisecond) {
		processes = platform.SandboxProcesses(node, recordings.Run)
		lines, _ := processes.Values.List("processes")
		all := strings.Join(lines, "\n")
		if strings.Contains(all, "exe=qemu-system-x86_64") && strings.Contains(all, "exe=virtiofsd") && confined(lines) && strings.Contains(all, "shim-runc") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("QEMU and virtiofsd did not come up within %s: %+v", startBound, processes)
		}
	}
	processes.Probe = "sandbox-processes"
	shims := platform.Shims(node)
	shims.Probe = "shims"
	record := func(v evidence.Vantage, round evidence.Round, uid string, o ...evidence.Observation) evidence.Record {
		return evidence.Record{Vantage: v, Round: round, Pod: evidence.Pod{UID: uid}, Observations: o}
	}
	return []evidence.Record{record(evidence.Witness, evidence.Look, "witness", processes), record(evidence.Witness, evidence.LookAgain, "witness", shims),
		record(evidence.Subject, evidence.Look, uid), record(evidence.Reference, evidence.Look, plainPod)}
}

// confined says whether a process of virtiofsd put on the seccomp filter of its first
// thread, the last thing that it does before it works.
func confined(lines []string) bool {
	for _, line := range lines {
		if strings.Contains(line, "exe=virtiofsd") && strings.Contains(line, " threads=2 unfiltered=1 ") {
			return true
		}
	}
	return false
}
