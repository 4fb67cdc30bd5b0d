package isolation

import (
	"slices"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

const processOnFail = "The pod shares a namespace or the log of the node's kernel. Check hostPID, hostIPC, hostNetwork and added capabilities in the admitted pod, and the sandbox runtime's configuration."

// Process are the controls of group process.
func Process() []catalogue.Control {
	return complete([]catalogue.Control{
		{
			ID:        "proc-planted",
			Title:     "A process of the node cannot be seen, signalled or traced",
			Why:       "Arguments and environment of processes carry secrets, and a process that can be traced is a process that is owned.",
			Proves:    "A process of the node with a random argument and environment was not found in the pod.",
			ProvesNot: "Processes that exist for an instant only.",
			Safety:    catalogue.Plants,
			Rule:      byWeakness("host-pid", judge.Planted("process", "planted-process", "seen")),
			Refs:      catalogue.Refs("NIST SC-4", "NIST SC-39", "CIS 5.2.3", "ATT&CK T1057"),
		},
		{
			ID:        "proc-interrupts",
			Title:     "The pod's interrupt counts are not the node's",
			Why:       "Interrupt counts are a live side channel on the node and on its other tenants: keystrokes, disk and network activity can be read from them.",
			Proves:    "The interrupt and softirq counts that the pod reads do not follow the node's.",
			ProvesNot: "Other side channels of the hardware.",
			Rule:      byReference(judge.SharesInterrupts()),
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1082"),
		},
		{
			ID:        "dmesg-token",
			Title:     "The pod cannot read the node's kernel log",
			Why:       "The kernel log names devices, addresses and other tenants' crashes.",
			Proves:    "A token written into the node's kernel log was not readable in the pod.",
			ProvesNot: "Logs that the node's daemons keep in files.",
			Safety:    catalogue.Plants,
			Rule:      byWeakness("syslog", judge.Planted("kmsg", "kmsg", "found")),
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1082"),
		},
		{
			ID:        "cgroup-count",
			Title:     "The pod does not count the node's cgroups",
			Why:       "/proc/cgroups counts for the whole kernel: how many pods and services a node runs, and when they start.",
			Proves:    "The pod's count did not move when the node made cgroups.",
			ProvesNot: "What else a shared kernel counts.",
			Safety:    catalogue.Plants,
			Rule:      byReference(judge.CountsAlong("cgroups")),
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1082"),
		},
		{
			ID:        "ipc-token",
			Title:     "The pod cannot reach the node's shared memory and message queues",
			Why:       "System V and POSIX IPC objects of the node often hold its data without any access check beyond a uid.",
			Proves:    "A token in shared memory and a message queue of the node was not readable in the pod.",
			ProvesNot: "Shared memory that is passed as a file descriptor.",
			Safety:    catalogue.Plants,
			Rule:      byWeakness("host-ipc", judge.Planted("shm", "ipc", "found")),
			Refs:      catalogue.Refs("NIST SC-4", "CIS 5.2.4", "ATT&CK T1005"),
		},
		{
			ID:        "net-abstract-socket",
			Title:     "The pod cannot reach the node's abstract sockets",
			Why:       "Abstract sockets belong to the network namespace and know no file permissions; containerd's own shims listened on them once.",
			Proves:    "A listener on the node's abstract namespace did not answer in the pod.",
			ProvesNot: "Network services of the node; the network group asks for those.",
			Safety:    catalogue.Plants,
			Rule:      byWeakness("host-network", judge.Planted("socket", "abstract-socket", "found")),
			Refs:      catalogue.Refs("NIST SC-7", "CIS 5.2.5", "ATT&CK T1611", "CVE-2020-15257"),
		},
		{
			ID:        "host-load",
			Title:     "The pod does not see the node's load and size",
			Why:       "Load and memory of the node tell a tenant what the other tenants do, and where it landed.",
			Proves:    "Memory size and load averages that the pod reads are not the node's.",
			ProvesNot: "Load can still be guessed from the pod's own speed.",
			OnFail:    "The boundary held, but the sandbox reports the node's figures. Give the guest its own memory size, or accept and record it.",
			Level:     catalogue.Hardening,
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.Fail},
			Rule:      byReference(judge.SharesLoad()),
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1082"),
		},
		{
			ID:        "keyring-token",
			Title:     "The pod cannot read keys of the node's kernel",
			Why:       "The kernel's key service knows no namespaces: root's keyring is one for all containers of a kernel, and holds tickets, disk keys and credentials of mounts.",
			Proves:    "A key with a random payload in the keyring of the node's root was not readable in the pod: neither by way of the pod's own keyrings nor by serial number from /proc/keys.",
			ProvesNot: "Keys of other users, or with narrower permissions.",
			OnFail:    "The pod shares the node's kernel and may use its key service: look at the kernel controls first, then at the pod's seccomp profile, which must refuse add_key, keyctl and request_key.",
			Profile:   catalogue.Certification,
			Safety:    catalogue.Plants,
			Rule:      byWeakness("seccomp-unconfined", judge.Planted("key", "keyrings", "found")),
			OptIn:     []string{"keyrings"},
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-4", "NIST SC-12", "CIS 5.7.2", "ATT&CK T1552"),
		},
		{
			ID:        "sysctl-bleed",
			Title:     "Root of the guest cannot change the node's kernel settings",
			Why:       "Most settings of the kernel belong to no namespace: one value for the node and all tenants, of which some name a program that the kernel runs as root. One letter into /proc/sysrq-trigger reboots the node.",
			Proves:    "A privileged pod either could not open any of the settings or the SysRq trigger for writing, or opened those of a kernel of its own. Nothing is ever written.",
			ProvesNot: "Settings that are not in the list.",
			Profile:   catalogue.Destructive,
			Safety:    catalogue.Disturbs,
			Rule:      guestRootByPrivileged(judge.OpensLikeNode("sysctls")),
			OptIn:     []string{"sysctls"},
			Refs:      catalogue.Refs("NIST SC-39", "NIST CM-5", "NIST AC-6", "CIS 5.2.2", "ATT&CK T1611"),
		},
	}, catalogue.Process, processOnFail)
}

// Privilege are the controls of group privilege.
func Privilege() []catalogue.Control {
	return complete([]catalogue.Control{
		{
			ID:        "priv-posture",
			Title:     "The pod runs with no more privilege than its spec asks for",
			Why:       "A sandbox that drops the seccomp filter or widens the capabilities of its containers gives an attacker a larger surface on the guest kernel.",
			Proves:    "Capabilities, no_new_privs and the seccomp mode that the kernel reports inside are those of the spec. Where a plain container is confined by AppArmor or SELinux, and the kernel inside has such a module, the pod is confined too.",
			ProvesNot: "How well the guest kernel keeps its promises, and what the security module's profile allows.",
			OnFail:    "Inside a sandbox this is a finding, no escape: for Kata set disable_guest_seccomp=false (and disable_guest_selinux=false where the guest has SELinux); gVisor filters the sentry's own system calls instead.",
			Level:     catalogue.Hardening,
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.Fail},
			Shown:     "a privileged runc pod must be seen to have more than the spec asks for",
			Rule:      &judge.Rule{Detects: judge.Looser(), Control: evidence.Weakened("privileged"), Expects: true},
			Also:      []evidence.Vantage{evidence.Reference},
			Refs:      catalogue.Refs("NIST AC-6", "NIST SI-16", "CIS 5.2.6", "CIS 5.7.2", "ATT&CK T1068"),
		},
		{
			ID:        "priv-masked-paths",
			Title:     "The kernel's own files are covered as runtimes cover them",
			Why:       "Runtimes cover files of /proc and /sys that belong to the whole kernel: keys, timers, power meters, firmware, interrupts, settings. A container that is given them reads what others do, or changes how the kernel behaves.",
			Proves:    "None of the paths that runc, containerd and CRI-O mask by default can be opened in the pod, and no file can be opened for writing in those that they mount read-only. Nothing is written.",
			ProvesNot: "Anything about the node, inside a virtual machine: these are files of the guest's kernel there, and of gVisor's in gVisor. Whether the node's can be opened is asked by sysctl-bleed, dev-mem-kcore and keyring-token.",
			OnFail:    "Inside a sandbox this is a finding, no escape: the runtime inside drops linux.maskedPaths or linux.readonlyPaths of the container's spec, as gVisor does, and as the agent of Kata Containers does with folders: it covers files alone. On the node's own kernel look for procMount Unmasked in the admitted pod, and for unmasked paths in the runtime's configuration.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Certification,
			Rule:      byWeakness("privileged", judge.Reached("covered-paths", "open", evidence.Look)),
			OptIn:     []string{"covered-paths"},
			// gVisor masks by not having the files, and mounts no path read-only.
			Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.Fail},
			Refs:     catalogue.Refs("NIST AC-6", "NIST CM-7", "NIST SC-39", "CIS 5.2.2", "ATT&CK T1082", "CVE-2023-28642", "CVE-2025-31133"),
		},
	}, catalogue.Privilege, processOnFail)
}

// Controls are all controls between a pod and its node.
func Controls() []catalogue.Control {
	var all []catalogue.Control
	for _, group := range [][]catalogue.Control{Kernel(), Filesystem(), Devices(), Process(), Privilege(), Network()} {
		all = append(all, group...)
	}
	root := complete([]catalogue.Control{guestRoot(all)}, catalogue.Privilege, "")
	at := slices.IndexFunc(all, func(c catalogue.Control) bool { return c.Group == catalogue.Network })
	return slices.Insert(all, at, root...)
}
