//go:build e2e

package e2e

import (
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// expected is what a control must come to: one of the results, with a reason
// that holds the text.
type expected []struct {
	result judge.Result
	reason string
}

// nodeHasNone is the way out for controls of hardware that not every machine
// has: the node itself has nothing that could be seen.
const nodeHasNone = "witness itself has nothing to compare with"

func passes(reason string) expected { return expected{{judge.Pass, reason}} }

func absent(reason string) expected { return expected{{judge.NotApplicable, reason}} }

// unlessNodeLacks allows for a node without the hardware.
func (e expected) unlessNodeLacks() expected { return append(e, absent(nodeHasNone)...) }

// finding allows for a finding as well as for a pass: how thick the sandbox's
// wall is may change with its version.
func finding(reason string) expected {
	return expected{{judge.Fail, reason}, {judge.Pass, ""}}
}

// untold is what gVisor's page cache comes to, which calls every page resident. A
// node whose images lie in memory, for want of loop devices, cannot ask.
var untold = append(absent("every page is in memory"), absent("cannot carry a sign")...)

// gvisor is what every control of profile nightly must come to on gVisor: a
// kernel of its own in user space, without block devices, firmware tables, PCI
// or a virtual machine.
var gvisor = map[string]expected{
	"kernel-boot-id":         passes("subject reads another boot_id"),
	"kernel-boot-time":       passes("apart from witness in boot_epoch_ns"),
	"kernel-counters":        passes("counter that does not follow the node's"),
	"kernel-vmcoreinfo":      absent("subject has no such interface").unlessNodeLacks(),
	"kernel-vdso-build-id":   passes("subject reads another"),
	"kernel-notes-build-id":  absent("subject has no such interface").unlessNodeLacks(),
	"kernel-release":         passes("subject reads another"),
	"kernel-cmdline":         passes("subject"),
	"hypervisor-cpuid":       absent("recorded, not judged"),
	"kernel-page-cache":      untold,
	"vm-binding":             absent("subject has no virtual machine: containerd-shim-runsc-v1 keeps its kernel in a process"),
	"fs-canary-walk":         passes("subject"),
	"fs-overlay-paths":       passes("subject").unlessNodeLacks(),
	"fs-runtime-socket":      passes("subject"),
	"fs-leaked-descriptor":   passes("subject"),
	"fs-open-by-handle":      absent("subject has no such interface"),
	"blk-loop-canary":        absent("subject has no such interface").unlessNodeLacks(),
	"blk-serial":             absent("subject has no such interface").unlessNodeLacks(),
	"dev-kvm-vhost-vfio":     passes("subject").unlessNodeLacks(),
	"sys-dmi":                absent("subject has no such interface").unlessNodeLacks(),
	"sys-pci-topology":       absent("subject has no such interface").unlessNodeLacks(),
	"proc-planted":           passes("subject"),
	"proc-interrupts":        passes("subject"),
	"dmesg-token":            passes("subject"),
	"cgroup-count":           passes("subject counts"),
	"ipc-token":              passes("subject"),
	"net-abstract-socket":    passes("subject"),
	"net-node-loopback":      passes("subject left no trace in the record of the planted loopback"),
	"net-metadata":           passes("subject asked and was answered by no metadata service"),
	"net-kubelet":            passes("asked without credentials from outside, refuses"),
	"net-node-services":      passes("subject finds no service of the node"),
	"net-cross-tenant":       passes("subject and neighbour do not hear each other"),
	"host-load":              finding("subject reads the same mem_total_kib"),
	"priv-posture":           finding("no seccomp filter"),
	"tenant-kernel":          passes("subject reads another boot_id"),
	"tenant-page-cache":      untold,
	"tenant-dataset":         passes("subject and its peers found nothing of the other tenant"),
	"tenant-weights":         passes("subject and its peers found nothing of the other tenant"),
	"tenant-secrets":         passes("subject and its peers found nothing of the other tenant"),
	"tenant-memory":          passes("subject and its peers found nothing of the other tenant"),
	"rng-distinct":           passes("subject differs from neighbour in"),
	"cpu-mitigations":        absent("recorded, not judged").unlessNodeLacks(),
	"training-converges":     passes("the loss falls"),
	"training-deterministic": passes("the same seed gives the same weights"),
	"training-runtimeclass":  passes(`trainer runs under containerd-shim-runsc-v1, which its RuntimeClass's handler "runsc" stands for`),
	"tenant-api":             passes("api refuses all 12 requests (by authorization)"),
	"api-anonymous":          passes("api refuses all 3 requests (by authorization)"),
	"admission-matrix":       passes("(by pod-security)"),
	"token-scope":            passes("api grants all"),
	"runtimeclass-enforced":  passes("api refuses all 3 requests (by policy/"),
	"runtimeclass-overhead":  passes("of the node's memory, within its overhead"),
	"runtimeclass-handler":   passes(`subject runs under containerd-shim-runsc-v1, which its RuntimeClass's handler "runsc" stands for`),
}

// onlyOnKata adds what controls on Kata Containers, on GPUs and on the processes of virtual
// machines come to where there are none.
func onlyOnKata(controls []catalogue.Control) {
	for _, c := range controls {
		_, known := gvisor[c.ID]
		switch {
		case known:
		case c.Group == catalogue.GPU:
			gvisor[c.ID] = absent("advertises no nvidia.com/gpu")
		case c.Group == catalogue.Kata:
			gvisor[c.ID] = absent("containerd-shim-runsc-v1 runs the subject, and that is no Kata")
		case c.Group == catalogue.VMM:
			gvisor[c.ID] = absent("subject has no virtual machine: containerd-shim-runsc-v1 keeps its kernel in a process")
		}
	}
}

// gVisor is certified: every control comes to what it must on gVisor, the
// report says what the run was, and nothing of it is left.
func TestCertifyGVisor(t *testing.T) {
	useCluster(t)
	before := lookAtMachine(t)
	run := certify(t, onCluster("--profile", "nightly")...)
	run.requireCode(t, 0)
	r := run.report
	if r.Outcome != reports.Certified {
		t.Errorf("outcome %s, want %s", r.Outcome, reports.Certified)
	}
	nightly, err := catalogue.Select(certification.Catalogue(), catalogue.Choice{Profile: catalogue.Nightly})
	if err != nil {
		t.Fatal(err)
	}
	onlyOnKata(nightly)
	if len(nightly) != len(gvisor) || len(r.Verdicts) != len(gvisor) {
		t.Errorf("the catalogue has %d controls, the report %d verdicts, and this test expects %d", len(nightly), len(r.Verdicts), len(gvisor))
	}
	for _, v := range r.Verdicts {
		gvisor[v.Control].require(t, v)
		c, err := catalogue.Find(nightly, v.Control)
		if err != nil {
			t.Fatal(err)
		}
		if want := c.Expects(judge.KindUserKernel); v.Result != want && v.Result != judge.NotApplicable && c.Level == catalogue.Isolation {
			t.Errorf("control %s came to %s, the catalogue says that a sound gVisor gives %s", v.Control, v.Result, want)
		}
	}
	if len(r.Leftovers) > 0 {
		t.Errorf("the run left %v", r.Leftovers)
	}
	requireNoTokens(t, run.dir)
	requireVerified(t, run.dir, "")
	requireNoNamespaces(t)
	before.requireSame(t)
	requireNotice(t, r, "RuntimeClass gvisor is gVisor")
	requireNotice(t, r, "nothing about Kata")
	requireNotice(t, r, "trainer (Go, on the CPU) stands in for")
	requireOneTarget(t, r, "gvisor", reports.Runtime{Kind: judge.KindUserKernel, Shim: "containerd-shim-runsc-v1"})
	requireFiles(t, run.dir, r)
	logCost(t, run)
}

// require fails when a verdict is none of the expected ones.
func (e expected) require(t *testing.T, v reports.Verdict) {
	t.Helper()
	for _, want := range e {
		if v.Result == want.result && contains(v.Reason, want.reason) {
			return
		}
	}
	t.Errorf("control %s came to %s (%s), want one of %v", v.Control, v.Result, v.Reason, e)
}

// requireOneTarget checks what the report says of its only target.
func requireOneTarget(t *testing.T, r *reports.Report, class string, want reports.Runtime) {
	t.Helper()
	if len(r.Targets) != 1 {
		t.Fatalf("the report has %d targets, want one", len(r.Targets))
	}
	target := r.Targets[0]
	if target.ID != nodeName+"/"+class || target.RuntimeClass != class || target.Node.Name != nodeName {
		t.Errorf("the target is %+v", target)
	}
	if target.Runtime.Kind != want.Kind || target.Runtime.Shim != want.Shim || len(target.Runtime.Digest) != 64 {
		t.Errorf("the target's runtime is %+v, want %+v with a digest", target.Runtime, want)
	}
	if target.APIRequests == 0 || target.ProbeCPU == 0 {
		t.Errorf("the report does not say what the target cost: %d requests, %s of CPU", target.APIRequests, target.ProbeCPU)
	}
}

// logCost shows the figures that the README promises; the machine of a test may
// be busy, so none is a limit here.
func logCost(t *testing.T, run certified) {
	t.Helper()
	for _, target := range run.report.Targets {
		t.Logf("%s: %d API requests, at most %s of CPU for the probes of one vantage", target.ID, target.APIRequests, target.ProbeCPU)
	}
	for _, timing := range run.report.Timings {
		t.Logf("  %-12s %s", timing.Phase, timing.Duration)
	}
	t.Logf("from start to report %s, peak memory %d MiB", run.report.Run.Finished.Sub(run.report.Run.Started), run.peak>>20)
}
