package isolation

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// kernelFiles are the controls of files by which the kernel is told to start a
// program outside of every container. A file that can be opened for writing is
// taken for one that can be written: to write it and to put the old content back
// would hand every process of the node that dies meanwhile to a program that does
// not exist, and a run that is killed in between would leave it so.
func kernelFiles() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "fs-core-pattern",
			Title:     "The guest's root cannot set the node's core_pattern",
			Why:       "core_pattern names a program that the kernel starts as root of the node whenever a process dumps core: who writes it owns the node.",
			Proves:    "The file that the guest's root opened for writing is of a kernel of its own, or it could open none.",
			ProvesNot: "Races by which a runtime can be made to mount the file writable; an ordinary pod has it read-only.",
			OnFail:    "The privileged pod shares the node's kernel: look at runtimeclass-handler. Forbid privileged pods to tenants (Pod Security level baseline), and upgrade runc (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881).",
			Profile:   catalogue.Destructive,
			Safety:    catalogue.Disturbs, // a privileged pod on the RuntimeClass
			OptIn:     []string{"core-pattern"},
			// An ordinary pod is refused by every runtime alike, by a read-only mount.
			// What a sandbox is for shows when that mount is no obstacle any more.
			Rule: &judge.Rule{Detects: judge.OnNodesKernel(judge.Reached("core-pattern", "opened", evidence.Look)),
				Control: evidence.Weakened("privileged"), Subject: evidence.GuestRoot},
			// gVisor has no such file.
			Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs: catalogue.Refs("NIST AC-6", "NIST SC-39", "CIS 5.2.2", "ATT&CK T1611", "ATT&CK T1068",
				"CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881", "CVE-2022-0811"),
		},
		{
			ID:        "fs-release-agent",
			Title:     "The pod cannot set a release_agent of the node",
			Why:       "On cgroup version 1 the kernel starts the program that release_agent names as root of the node when a cgroup becomes empty: the escape that most exploit kits try first.",
			Proves:    "The pod could open no release_agent of the node's kernel for writing: at its own mounts, at private ones, nor in a user and cgroup namespace of its own.",
			ProvesNot: "Nodes with cgroup version 2 alone, which know no release_agent.",
			OnFail:    "Move the node to cgroup version 2. Until then keep a seccomp profile on every pod (RuntimeDefault), forbid privileged ones, and run a kernel with the fix of CVE-2022-0492.",
			Profile:   catalogue.Certification,
			OptIn:     []string{"release-agent"},
			// An ordinary pod is asked, for by way of CVE-2022-0492 it needs no privilege.
			Rule: byWeakness("privileged", judge.OpensReleaseAgent()),
			// A Kata guest and gVisor have no hierarchy of version 1 by default.
			Expected: map[judge.Kind]judge.Result{judge.KindVM: judge.NotApplicable, judge.KindUserKernel: judge.NotApplicable},
			Refs:     catalogue.Refs("NIST AC-6", "NIST SC-39", "SP800-190 3.4", "CIS 5.7.2", "ATT&CK T1611", "CVE-2022-0492"),
		},
	}
}
