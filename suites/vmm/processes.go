package vmm

import (
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// processes are the controls over the processes by which the node runs a sandbox.
func processes() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "vmm-posture",
			Title:     "The virtual machine monitor runs without privilege",
			Why:       "Whoever breaks out of the guest into its monitor has what the monitor has. As root with every capability that is the node.",
			Proves:    "No thread of the monitor is root, holds a capability, or may gain one by executing a program.",
			ProvesNot: "That the monitor has no flaw, or what its user may open on the node. Where the monitor is a part of the shim (Dragonball), that process is judged.",
			OnFail:    "Kata Containers runs QEMU as root unless rootless = true is set in the hypervisor's section; no_new_privs comes with QEMU's own seccomp sandbox (seccomp_sandbox). Both shims run Firecracker as root, with or without its jailer.",
			Level:     catalogue.Hardening,
			Shown:     shownByShim,
			Rule:      byShim(judge.PrivilegedVMM()),
			Expected:  finding(),
			Refs:      catalogue.Refs("NIST AC-6", "NIST SC-3", "NIST SC-39", "ATT&CK T1611", "ATT&CK T1068"),
		},
		{
			ID:        "vmm-seccomp",
			Title:     "Every thread of the monitor runs under a seccomp filter",
			Why:       "A monitor needs few system calls after it started. Without a filter the node's whole kernel is open to whoever takes it over.",
			Proves:    "Each thread of the monitor has a seccomp filter.",
			ProvesNot: "What the filters let through.",
			OnFail:    "For QEMU set seccomp_sandbox = \"on,obsolete=deny,spawn=deny,resourcecontrol=deny\" in the hypervisor's section (seccompsandbox with the Go shim of 3.x); for Cloud Hypervisor and Firecracker take disable_seccomp away.",
			Level:     catalogue.Hardening,
			Shown:     shownByShim,
			Rule:      byShim(judge.UnfilteredVMM()),
			Expected:  finding(),
			Refs:      catalogue.Refs("NIST SC-3", "NIST CM-7", "NIST SI-16", "ATT&CK T1611", "ATT&CK T1068"),
		},
		{
			ID:        "vmm-netns",
			Title:     "The monitor works in its pod's network namespace",
			Why:       "In the node's network namespace a monitor that was taken over is on the node's network, past every policy of the pod's.",
			Proves:    "The monitor's network namespace is not the node's; where the runtime names the pod's, it is that.",
			ProvesNot: "Where frames go that the guest sends: the network group asks for that. The shim is in the node's namespace by design, the file server in one of its own. Where the monitor is a part of the shim (Dragonball), the thread that runs the machine is judged.",
			OnFail:    "Set disable_new_netns = false in the runtime's section of Kata's configuration, and look for a pod annotation io.katacontainers.config.runtime.disable_new_netns.",
			Shown:     shownByShim,
			Rule:      byShim(judge.NodesNetwork()),
			Refs:      catalogue.Refs("NIST SC-7", "NIST AC-4", "NIST SC-39", "ATT&CK T1611", "ATT&CK T1046"),
		},
		{
			ID:        "vmm-cgroup",
			Title:     "Monitor and file server run in the pod's cgroup",
			Why:       "What runs outside of the pod's cgroup is bounded by none of the pod's limits and counted for nobody: a guest that keeps its file server busy takes the node's memory and time.",
			Proves:    "The monitor and its file server are in cgroups below the pod's.",
			ProvesNot: "That limits are set there, or that they suffice: see runtimeclass-overhead. Where the shim is, which serves the runtime and no guest.",
			OnFail:    "Set sandbox_cgroup_only = true in the runtime's section of Kata's configuration, the default of runtime-rs since 4.1 and not of the Go shim, and give the RuntimeClass an overhead that covers them.",
			Level:     catalogue.Hardening,
			Shown:     shownByShim,
			Rule:      byShim(judge.OutsideCgroup()),
			Refs:      catalogue.Refs("NIST SC-5", "NIST SC-6", "NIST SC-39", "ATT&CK T1499"),
		},
		{
			ID:        "virtiofsd-posture",
			Title:     "The server of the sandbox's files is shut into them",
			Why:       "The guest talks to virtiofsd directly, in a protocol that has had flaws. What virtiofsd has as its root, a guest that takes it over has.",
			Proves:    "The virtiofsd process that works has the sandbox's own folder as its root, a seccomp filter on every thread, and no capability beyond a file server's.",
			ProvesNot: "That the folder holds nothing else than the pod's files. The parent of the working process only waits for it, and is not judged.",
			OnFail:    "Upgrade Kata Containers (CVE-2026-47243, GHSA-2gv2-cffp-j227, fixed in 3.31.0) and take --sandbox and --seccomp out of virtio_fs_extra_args.",
			Shown:     shownByShim,
			Rule:      byShim(judge.LooseFileServer()),
			Refs:      catalogue.Refs("NIST AC-6", "NIST SC-39", "NIST SI-2", "ATT&CK T1611", "CVE-2026-47243", "GHSA-2gv2-cffp-j227"),
		},
		{
			ID:        "virtiofsd-arguments",
			Title:     "The server of the sandbox's files was told to share those alone",
			Why:       "One argument makes the node's root the guest's, and another takes the confinement off. Both have come from annotations and defaults.",
			Proves:    "virtiofsd was started on the folder that Kata made for this sandbox, and not told to work without its sandbox, its seccomp filter or its bound on capabilities.",
			ProvesNot: "What is mounted below that folder, which the runtime does for each volume that the pod declares.",
			OnFail:    "Look at virtio_fs_extra_args in Kata's configuration and its config.d, and forbid the annotation by enable_annotations. Upgrade before 3.31.0 (GHSA-rr59-xxvx-96qr, GHSA-2gv2-cffp-j227).",
			Rule:      byRecording("virtiofsd-shares-the-node", judge.WideShare()),
			Refs:      catalogue.Refs("NIST AC-6", "NIST CM-6", "NIST SC-4", "ATT&CK T1611", "GHSA-rr59-xxvx-96qr", "GHSA-2gv2-cffp-j227"),
		},
	}
}
