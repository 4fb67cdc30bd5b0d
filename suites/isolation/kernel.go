// Package isolation holds the controls between a pod and its node: kernel, file
// system, devices, processes and privilege.
package isolation

import (
	"time"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// sameBoot is how far two readings of one kernel's boot instant may lie apart.
// On one kernel they differ by the clock's slewing between the readings, which
// is below a millisecond; the bound is wide to stand a step of the clock.
const sameBoot = 100 * time.Millisecond

const (
	kernelOnFail = "The pod shares the node's kernel. Look at runtimeclass-handler first: most likely the handler runs plain runc on this node, or the RuntimeClass was dropped on admission. Take the node out of service for multi-tenant work until it is mended."
	buildLimit   = "Guest and node may run the same build of a kernel; the control is then not applicable, and the instance signals decide."
)

func byReference(d judge.Detection) *judge.Rule {
	return &judge.Rule{Detects: d, Control: evidence.Reference}
}

func byWeakness(weakness string, d judge.Detection) *judge.Rule {
	return &judge.Rule{Detects: d, Control: evidence.Weakened(weakness)}
}

// Kernel are the controls of group kernel.
func Kernel() []catalogue.Control {
	controls := []catalogue.Control{
		{
			ID:        "kernel-boot-id",
			Title:     "The pod runs in a boot of its own",
			Why:       "Containers that share a kernel share the random id that it drew when it booted; a guest kernel draws its own.",
			Proves:    "The kernel that answers the pod drew another boot id than the node's.",
			ProvesNot: "A kernel in user space draws one too: read it together with the other instance signals.",
			Signal:    catalogue.Instance,
			Rule:      byReference(judge.SameText("boot-id", "boot_id")),
			Refs:      catalogue.Refs("NIST SC-39", "NIST SC-3", "SP800-190 3.5", "ATT&CK T1082"),
		},
		{
			ID:        "kernel-boot-time",
			Title:     "The pod's kernel booted at another instant",
			Why:       "Real time less time since boot is a kernel's own birthday, equal in all its containers and different in every other kernel.",
			Proves:    "The pod's kernel counts its time from another instant than the node's.",
			ProvesNot: "A time namespace can shift the reading without another kernel.",
			Signal:    catalogue.Instance,
			Rule:      byReference(judge.NearInTime("boot-time", "boot_epoch_ns", sameBoot)),
			Refs:      catalogue.Refs("NIST SC-39", "SP800-190 3.5", "ATT&CK T1082"),
		},
		{
			ID:        "kernel-counters",
			Title:     "The pod's kernel counters do not follow the node's",
			Why:       "Forks, interrupts and context switches are counted once per kernel. When the node forks hundreds of processes, only a pod on the same kernel sees the count move along.",
			Proves:    "None of the kernel-wide counters that the pod can read lies where the node's do, before and after the node worked.",
			ProvesNot: "A kernel that hides its counters passes nothing here: it is then not applicable.",
			Signal:    catalogue.Instance,
			Safety:    catalogue.Plants,
			Rule:      byReference(judge.MovesAlong("counters", "processes", "interrupts", "context_switches", "uevent_seqnum")),
			Refs:      catalogue.Refs("NIST SC-39", "NIST SC-4", "SP800-190 3.5", "ATT&CK T1082"),
		},
		{
			ID:        "kernel-vmcoreinfo",
			Title:     "The pod's kernel keeps its crash notes at another address",
			Why:       "The physical address of the vmcoreinfo note is chosen at boot; reading the node's value means reading the node's kernel.",
			Proves:    "The address that the pod reads is not the node's.",
			ProvesNot: "The address can be equal by chance on machines of one kind without address randomisation.",
			Signal:    catalogue.Instance,
			Rule:      byReference(judge.SameText("vmcoreinfo", "address")),
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-39", "ATT&CK T1082"),
		},
		{
			ID:        "kernel-vdso-build-id",
			Title:     "The code page that the kernel maps into the pod is another build's",
			Why:       "Every process carries a small library of the kernel that runs it (the vDSO). Its build id names the kernel without any file of procfs, so masking files does not hide it.",
			Proves:    "The pod's processes are run by another kernel build than the node's.",
			ProvesNot: buildLimit,
			Signal:    catalogue.Build,
			Rule:      byReference(judge.SameText("vdso", "build_id", "sha256")),
			Refs:      catalogue.Refs("NIST SC-39", "SP800-190 3.5", "ATT&CK T1082"),
		},
		{
			ID:        "kernel-notes-build-id",
			Title:     "/sys/kernel/notes carries another build id",
			Why:       "The kernel publishes the build id of its own image there, for everyone to read.",
			Proves:    "The kernel behind the pod's sysfs is another build than the node's.",
			ProvesNot: buildLimit,
			Signal:    catalogue.Build,
			Rule:      byReference(judge.SameText("kernel-notes", "build_id")),
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-39", "ATT&CK T1082"),
		},
		{
			ID:        "kernel-release",
			Title:     "Release and build string of the kernel are not the node's",
			Why:       "The simplest question a tenant asks of the kernel, and what a container on a shared kernel answers with the node's own string.",
			Proves:    "Release or build string of the pod's kernel differ from the node's.",
			ProvesNot: buildLimit,
			Signal:    catalogue.Build,
			Rule:      byReference(judge.SameText("uname", "release", "version")),
			Refs:      catalogue.Refs("NIST SC-39", "SP800-190 3.5", "ATT&CK T1082"),
		},
		{
			ID:        "kernel-cmdline",
			Title:     "The pod does not read the node's kernel command line",
			Why:       "The command line names the node's disks and settings, and often carries identifiers that belong to this machine alone.",
			Proves:    "Neither the command line nor any identifier in it is the node's.",
			ProvesNot: "Short common words may occur in both; they are not compared.",
			Rule:      byReference(judge.SameCommandLine()),
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1082"),
		},
		{
			ID:        "hypervisor-cpuid",
			Title:     "Which hypervisor the processor names",
			Why:       "Today's tools take a hypervisor bit for isolation. On a node that is itself a virtual machine a plain container shows it too, so it is recorded and never judged.",
			Proves:    "Nothing by itself; it helps to read the rest.",
			ProvesNot: "A hypervisor bit says nothing about whose virtual machine it is.",
			Rule:      &judge.Rule{Detects: judge.Recorded("cpuid", "vendor"), RecordOnly: true},
			Expected:  map[judge.Kind]judge.Result{judge.KindVM: judge.NotApplicable, judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("ATT&CK T1497.001"),
		},
		{
			ID:        "vm-binding",
			Title:     "The pod's work is the work of exactly one virtual machine monitor",
			Why:       "A guest kernel that looks different must also run inside a VMM of its own on this node; otherwise it is imitated, or shared.",
			Proves:    "CPU time and memory that the pod spends appear in exactly one VMM process of the node. Where the witness saw that the sandbox's own VMM has all of its guest's memory from the start (preallocated), the CPU time alone.",
			ProvesNot: "It says nothing about how well that VMM is confined; the vmm group does.",
			Shown:     "the same work in a plain runc pod must be seen to move no VMM",
			OnFail:    "No VMM: the pod is no virtual machine, see runtimeclass-handler. Several VMMs: the node was too busy to tell them apart, certify it when it is idle.",
			Rule:      &judge.Rule{Detects: judge.Unbound(), Control: evidence.Reference, Expects: true},
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-39", "NIST SC-3", "SP800-190 3.5"),
		},
	}
	return complete(append(controls, pageCache()), catalogue.Kernel, kernelOnFail)
}

// complete fills in what all controls of a group share unless they say
// otherwise themselves.
func complete(controls []catalogue.Control, group catalogue.Group, onFail string) []catalogue.Control {
	for i := range controls {
		c := &controls[i]
		c.Group = group
		if c.Level == "" {
			c.Level = catalogue.Isolation
		}
		if c.Profile == "" {
			c.Profile = catalogue.Quick
		}
		if c.Safety == "" {
			c.Safety = catalogue.Observes
		}
		if c.OnFail == "" {
			c.OnFail = onFail
		}
	}
	return controls
}
