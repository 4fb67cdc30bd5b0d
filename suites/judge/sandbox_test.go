package judge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// sandboxed is a subject whose sandbox the witness sees as the given line
// continues, and what the API server says of its RuntimeClass.
func sandboxed(line string, api values) *scene.Scene {
	s := scene.New().Saw(evidence.Subject, evidence.Look, "boot-id", values{})
	s.Saw(evidence.Witness, evidence.LookAgain, "shims", values{"sandboxes": evidence.List(
		"pod_uid=somebody-else sandbox=1 handler=runc shim=containerd-shim-runc-v2 sha256=00 pid=3",
		"pod_uid="+scene.UID(evidence.Subject)+" sandbox=2 pid=4 sha256=ab "+line)})
	return s.Saw(evidence.API, evidence.Look, "runtimeclass", api)
}

func asked(class, handler, got string, listed ...string) values {
	return values{"runtime_class": evidence.Text(class), "handler": evidence.Text(handler),
		"subject_runtime_class": evidence.Text(got), "node_handlers": evidence.List(listed...)}
}

func TestPlainContainer(t *testing.T) {
	kata := asked("kata-runtime", "kata", "kata-runtime", "kata", "runc")
	gvisor := asked("gvisor", "runsc", "gvisor")
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
		says  string
	}{
		{"Kata as asked", sandboxed("handler=kata shim=containerd-shim-kata-v2", kata), judge.Undetected, "with handler \"kata\", as asked"},
		{"gVisor as asked", sandboxed("handler=runsc shim=containerd-shim-runsc-v1", gvisor), judge.Undetected, "as asked"},
		{"the handler is not known on the node side", sandboxed("shim=containerd-shim-kata-v2", kata), judge.Undetected, ""},
		{"a runtime that katacert does not know", sandboxed("handler=wasm shim=containerd-shim-spin-v2", asked("wasm", "wasm", "wasm", "wasm")), judge.Undetected, ""},
		{"plain runc behind the handler", sandboxed("handler=kata shim=containerd-shim-runc-v2", kata), judge.Detected, "a plain container"},
		{"conmon", sandboxed("handler=kata shim=conmon", kata), judge.Detected, "a plain container"},
		{"gVisor behind a Kata handler", sandboxed("handler=kata shim=containerd-shim-runsc-v1", kata), judge.Detected, `asked for "kata-runtime" (handler "kata") and runs under containerd-shim-runsc-v1`},
		{"Kata behind a gVisor handler", sandboxed("handler=runsc shim=containerd-shim-kata-v2", gvisor), judge.Detected, "runs under containerd-shim-kata-v2"},
		{"the class was dropped on admission", sandboxed("handler=kata shim=containerd-shim-kata-v2", asked("kata-runtime", "kata", "")), judge.Detected, `asked for RuntimeClass "kata-runtime" and has ""`},
		{"another class was put in", sandboxed("handler=kata shim=containerd-shim-kata-v2", asked("kata-runtime", "kata", "kata-clh")), judge.Detected, `has "kata-clh"`},
		{"another handler on the node", sandboxed("handler=kata-qemu shim=containerd-shim-kata-v2", kata), judge.Detected, `under handler "kata-qemu", its RuntimeClass says "kata"`},
		{"a handler that the node does not list", sandboxed("handler=kata shim=containerd-shim-kata-v2", asked("kata-runtime", "kata", "kata-runtime", "runc")), judge.Detected, "does not list in status.runtimeHandlers"},
		{"a node that lists no handlers", sandboxed("handler=kata shim=containerd-shim-kata-v2", asked("kata-runtime", "kata", "kata-runtime")), judge.Undetected, ""},
		{"no sandbox on the node", sandboxed("", kata).Saw(evidence.Witness, evidence.LookAgain, "shims", values{"sandboxes": evidence.List()}), judge.Unknown, "has no sandbox on the node"},
		{"no pod", sandboxed("shim=containerd-shim-kata-v2", kata).Drop(evidence.Subject, evidence.Look), judge.Unknown, "gave no evidence"},
		{"the witness did not look", sandboxed("shim=containerd-shim-kata-v2", kata).Drop(evidence.Witness, evidence.LookAgain), judge.Unknown, "cannot be found on the node"},
		{"the API server was not asked", sandboxed("shim=containerd-shim-kata-v2", kata).Drop(evidence.API, evidence.Look), judge.Unknown, "cannot be checked against its RuntimeClass"},
		// The pod has a sandbox and never ran as asked, so its class was not recorded.
		{"the pod did not come up", sandboxed("handler=kata shim=containerd-shim-kata-v2", kata).Unset(evidence.API, evidence.Look, "runtimeclass", "subject_runtime_class"), judge.Unknown, "did not run as asked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := sight(test.scene, judge.PlainContainer())
			expectSight(t, got, test.want)
			if !strings.Contains(got.Reason, test.says) {
				t.Errorf("the reason is %q, it should say %q", got.Reason, test.says)
			}
		})
	}
}

func TestKindOfSandbox(t *testing.T) {
	for shim, want := range map[string]judge.Kind{
		"containerd-shim-runc-v2": judge.KindNone, "conmon": judge.KindNone,
		"containerd-shim-kata-v2": judge.KindVM, "containerd-shim-kata-qemu-v2": judge.KindVM,
		"containerd-shim-runsc-v1": judge.KindUserKernel,
		"":                         judge.KindUnknown, "containerd-shim": judge.KindUnknown, "runsc": judge.KindUnknown,
	} {
		if got := (judge.Sandbox{Shim: shim}).Kind(); got != want {
			t.Errorf("shim %q is of kind %s, want %s", shim, got, want)
		}
	}
}

func TestSandboxOf(t *testing.T) {
	s := sandboxed("handler=kata shim=containerd-shim-kata-v2 garbage", nil)
	got, err := judge.SandboxOf(s.Evidence(), evidence.Subject)
	want := judge.Sandbox{PodUID: scene.UID(evidence.Subject), ID: "2", Handler: "kata", Shim: "containerd-shim-kata-v2", Digest: "ab", PID: 4}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if got, err := judge.SandboxOf(s.Evidence(), evidence.Neighbour); err == nil {
		t.Errorf("there is no neighbour, and its sandbox is %+v", got)
	}
}

// bound is a subject that burns, between two lists of the node's VMMs.
func bound(before, after values) *scene.Scene {
	return sandboxed("handler=kata shim=containerd-shim-kata-v2", nil).
		Saw(evidence.Subject, evidence.LookAgain, "burn", values{"cpu_us": evidence.Number(200_000), "memory_bytes": evidence.Number(64 << 20)}).
		Saw(evidence.Witness, evidence.Act, "vmm-processes", before).
		Saw(evidence.Witness, evidence.Settle, "vmm-processes", after)
}

func TestUnbound(t *testing.T) {
	vmm := func(pid, cpu, rss int64) scene.VMM { return scene.VMM{PID: pid, CPUMicros: cpu, RSSKiB: rss} }
	idle := scene.VMMs(vmm(1, 1000, 1000), vmm(2, 1000, 1000))
	own := scene.VMMs(vmm(1, 201_000, 66_536), vmm(2, 1000, 1000))
	for _, test := range []struct {
		name          string
		before, after values
		want          judge.Outcome
		says          string
	}{
		{"its own", idle, own, judge.Undetected, "qemu-system-x86_64 (pid 1) and no other VMM"},
		{"its own, throttled to a half", idle, scene.VMMs(vmm(1, 101_000, 33_768), vmm(2, 1000, 1000)), judge.Undetected, ""},
		{"its own, just started", scene.VMMs(), scene.VMMs(vmm(1, 300_000, 90_000)), judge.Undetected, ""},
		{"no VMM on the node", scene.VMMs(), scene.VMMs(), judge.Detected, "no VMM of the node spent (0 VMMs there)"},
		{"the one that may have moved has ended", idle, scene.VMMs(vmm(2, 1000, 1000)), judge.Unknown, "qemu-system-x86_64 (pid 1) ended before"},
		{"its own, while another one ended", idle, scene.VMMs(vmm(1, 201_000, 66_536)), judge.Undetected, "(pid 1) and no other VMM"},
		{"none moved", idle, idle, judge.Detected, "(2 VMMs there)"},
		{"CPU time moved without memory", idle, scene.VMMs(vmm(1, 901_000, 1000), vmm(2, 1000, 1000)), judge.Detected, "no VMM"},
		{"memory moved without CPU time", idle, scene.VMMs(vmm(1, 1000, 900_000), vmm(2, 1000, 1000)), judge.Detected, "no VMM"},
		{"two moved", idle, scene.VMMs(vmm(1, 901_000, 900_000), vmm(2, 901_000, 900_000)), judge.Detected, "2 VMMs moved"},
		{"less CPU time than before", scene.VMMs(vmm(1, 500_000, 1000)), scene.VMMs(vmm(1, 1000, 66_536)), judge.Detected, "no VMM"},
		{"a list of garbage", idle, values{"processes": evidence.List("pid=x")}, judge.Unknown, "witness listed"},
		{"a VMM without a pid", idle, values{"processes": evidence.List("name=q cpu_us=1 rss_kib=1")}, judge.Unknown, "witness listed"},
		{"no list", idle, values{}, judge.Unknown, "listed none in round settle"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := sight(bound(test.before, test.after), judge.Unbound())
			expectSight(t, got, test.want)
			if !strings.Contains(got.Reason, test.says) {
				t.Errorf("the reason is %q, it should say %q", got.Reason, test.says)
			}
		})
	}
}

// A sandbox's own monitor that has its guest's memory already, or where no process's memory
// is counted, and a machine that runs elsewhere.
func TestUnboundByMemory(t *testing.T) {
	vmm := func(pid, cpu, rss int64) scene.VMM { return scene.VMM{PID: pid, CPUMicros: cpu, RSSKiB: rss} }
	const own, other, all, guest = 111, 121, 400_000, 390_000
	for _, test := range []struct {
		name          string
		before, after values
		hypervisor    string
		want          judge.Outcome
		says          string
	}{
		{"preallocated", scene.VMMs(vmm(own, 1000, all), vmm(other, 1000, all)), scene.VMMs(vmm(own, 201_000, all), vmm(other, 1000, all)), "qemu", judge.Undetected, "had all of its guest's memory before"},
		{"memory that is not counted", scene.VMMs(vmm(own, 1000, 9000), vmm(other, 1000, 9000)), scene.VMMs(vmm(own, 201_000, 9000), vmm(other, 1000, 9000)), "qemu", judge.NoTruth, "whose memory did not move along"},
		{"another's monitor, preallocated", scene.VMMs(vmm(own, 1000, all), vmm(other, 1000, all)), scene.VMMs(vmm(own, 1000, all), vmm(other, 201_000, all)), "qemu", judge.Detected, "no VMM"},
		{"two, preallocated", scene.VMMs(vmm(own, 1000, all), vmm(other, 1000, all)), scene.VMMs(vmm(own, 201_000, all), vmm(other, 201_000, all)), "qemu", judge.Detected, "no VMM"},
		{"elsewhere", scene.VMMs(), scene.VMMs(), "remote", judge.NoTruth, "elsewhere (hypervisor remote)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			uid := scene.UID(evidence.Subject)
			process := func(role string, pid int) string {
				return fmt.Sprintf("pod_uid=%s role=%s pid=%d exe=x uid=0 root_threads=1 cap_eff=0 threads=1 unfiltered=0 may_gain=0 bare= ns=mnt:8,net:9 cgroup=/", uid, role, pid)
			}
			s := bound(test.before, test.after).
				Saw(evidence.Witness, evidence.Look, "sandbox-processes", values{"node_ns": evidence.Text("mnt:3,net:4"),
					"sandboxes": evidence.List("pod_uid=" + uid + " hypervisor=" + test.hypervisor), "processes": evidence.List(process("shim", 110), process("vmm", own)),
					"memory": evidence.List(fmt.Sprintf("pid=%d role=vmm kib=51996", own), fmt.Sprintf("pid=%d role=vmm kib=%d", own, guest), fmt.Sprintf("pid=%d role=vmm kib=1", other))}).
				// What a pod says of its memory is not asked.
				Saw(evidence.Subject, evidence.Look, "load", values{"mem_total_kib": evidence.Number(1)})
			got := sight(s, judge.Unbound())
			expectSight(t, got, test.want)
			if !strings.Contains(got.Reason, test.says) {
				t.Errorf("the reason is %q, it should say %q", got.Reason, test.says)
			}
		})
	}
}

func TestUnboundWithoutAllOfIt(t *testing.T) {
	own := func() *scene.Scene {
		return bound(scene.VMMs(scene.VMM{PID: 1}), scene.VMMs(scene.VMM{PID: 1, CPUMicros: 200_000, RSSKiB: 65_536}))
	}
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
	}{
		{"whole", own(), judge.Undetected},
		{"gVisor has no virtual machine", own().Saw(evidence.Witness, evidence.LookAgain, "shims", values{"sandboxes": evidence.List(
			"pod_uid=" + scene.UID(evidence.Subject) + " shim=containerd-shim-runsc-v1")}), judge.NoTruth},
		{"did not burn", own().Forget(evidence.Subject, evidence.LookAgain, "burn"), judge.Unknown},
		{"was kept from burning", own().Got(evidence.Subject, evidence.LookAgain, "burn", evidence.Denied, "EPERM"), judge.Unknown},
		// A burn of nothing would be matched by every VMM that stands still.
		{"says that it burned no CPU time", own().Set(evidence.Subject, evidence.LookAgain, "burn", "cpu_us", evidence.Number(0)), judge.Unknown},
		{"says that it touched negative memory", own().Set(evidence.Subject, evidence.LookAgain, "burn", "memory_bytes", evidence.Number(-1)), judge.Unknown},
		{"does not say what it burned", own().Saw(evidence.Subject, evidence.LookAgain, "burn", values{}), judge.Unknown},
		{"no list before", own().Drop(evidence.Witness, evidence.Act), judge.Unknown},
		{"no list after", own().Break(evidence.Witness, evidence.Settle, "cut off"), judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene, judge.Unbound()), test.want) })
	}
}
