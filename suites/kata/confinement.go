package kata

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// confinement are the settings that confine the machine monitor on the node, and
// the workload inside the guest.
func confinement() []item {
	guestSeccomp := item{
		id: "kata-config-guest-seccomp", title: "The pod's seccomp profile is applied inside the guest",
		risk:   "Without it the guest's kernel takes every system call from the tenant, whatever the pod's spec says: becoming root of the guest is the first half of most escapes.",
		wanted: "false", unset: "true, off", expected: judge.Fail,
		mend: "Set disable_guest_seccomp = false under [runtime] in a file of config.d; the guest's image must have an agent that was built with seccomp.",
		refs: []string{"NIST AC-6", "NIST SC-39", "CIS 5.7.2", "ATT&CK T1611"},
	}
	guestSeccomp.check, guestSeccomp.opens = switched(katanode.RuntimeSec, "disable_guest_seccomp", false, false)

	hostSELinux := item{
		id: "kata-config-host-selinux", title: "The machine monitor is run under SELinux where the node has it",
		risk:   "A machine monitor that a guest has taken over is held by the node's own access rules alone.",
		wanted: "false", unset: "false, on", expected: judge.NotApplicable,
		mend: "Set disable_selinux = false under the hypervisor's table in a file of config.d.",
		refs: []string{"NIST AC-3", "NIST AC-6", "NIST SC-39", "ATT&CK T1611"},
	}
	hostSELinux.check, hostSELinux.opens = switched(katanode.Hypervisor, "disable_selinux", false, false)
	hostSELinux.also = []evidence.Vantage{evidence.Reference}
	hostSELinux.check = labelledOnly("the monitor", unless(on("it runs no monitor on this node", "remote"), hostSELinux.check))

	rootless := item{
		id: "kata-config-rootless", title: "The machine monitor does not run as root",
		risk:   "A guest that breaks its machine monitor is then root of the node, in the node's user namespace.",
		wanted: "true", unset: "false, as root", expected: judge.Fail,
		mend: "Set rootless = true under the hypervisor's table in a file of config.d, and see Kata's documentation for what a rootless monitor cannot do.",
		refs: []string{"NIST AC-6", "NIST SC-39", "SP800-190 3.5", "ATT&CK T1611", "ATT&CK T1068"},
	}
	rootless.check, rootless.opens = switched(katanode.Hypervisor, "rootless", true, false)
	rootless.check = unless(func(n *node) string {
		return cmp.Or(
			on("it runs no monitor on this node", "remote")(n),
			on("it runs inside the shim, which needs root", "dragonball")(n),
			on("Kata runs it as root, with or without its jailer, and has no setting for it; vmm-posture looks at what runs", "firecracker")(n),
			on("Kata runs it as root, and reads no setting for it; vmm-posture looks at what runs", "stratovirt", "openvmm")(n))
	}, rootless.check)

	netns := item{
		id: "kata-config-netns", title: "The machine monitor lives in the pod's network namespace",
		risk:   "In the node's own network namespace a monitor that a guest has taken over reaches every service of the node's loopback, and the pod's NetworkPolicies do not hold it.",
		wanted: "false", unset: "false",
		mend: "Remove disable_new_netns from [runtime]; it is meant for networks that are put together by hand.",
		refs: []string{"NIST SC-7", "NIST SC-39", "ATT&CK T1611", "ATT&CK T1046"},
	}
	netns.check, netns.opens = switched(katanode.RuntimeSec, "disable_new_netns", false, false)
	netns.check = unless(on("its machines run elsewhere, and this node makes no network for them", "remote"), netns.check)

	cgroup := item{
		id: "kata-config-sandbox-cgroup", title: "Everything that a sandbox takes of the node lies in the pod's cgroup",
		risk:   "With the shim, virtiofsd and the monitor's own threads in a cgroup beside the pod's, what a tenant makes them use is held by no limit and charged to nobody.",
		wanted: "true", unset: "false for the Go shim, true for runtime-rs",
		mend: "Set sandbox_cgroup_only = true under [runtime] in a file of config.d, and an overhead in the RuntimeClass that covers the monitor.",
		refs: []string{"NIST SC-5", "NIST SC-6", "ATT&CK T1499"},
	}
	cgroup.check, cgroup.opens = switched(katanode.RuntimeSec, "sandbox_cgroup_only", true, false)

	return []item{guestSeccomp, guestSELinux(), vmmSeccomp(), hostSELinux, rootless, netns, cgroup}
}

// guestSELinux asks for labels inside the guest where the node itself labels its
// containers.
func guestSELinux() item {
	i := item{
		id: "kata-config-guest-selinux", title: "The pod's SELinux label is applied inside the guest",
		risk:   "On a node whose containers are confined by SELinux the same container is unconfined inside the guest.",
		wanted: "false", unset: "true, off", expected: judge.NotApplicable,
		mend: "Build the guest's image with SELINUX=yes and set disable_guest_selinux = false under the hypervisor's table in a file of config.d.",
		refs: []string{"NIST AC-3", "NIST AC-6", "NIST SC-39"},
		also: []evidence.Vantage{evidence.Reference},
	}
	i.check, i.opens = switched(katanode.Hypervisor, "disable_guest_selinux", false, true)
	i.opens = opensBy(katanode.Hypervisor, "disable_guest_selinux = true")
	i.check = unless(on("it takes no SELinux label for the guest", "firecracker", "remote"), labelledOnly("the guest", i.check))
	return i
}

// labelledOnly makes a check not applicable on nodes whose containers have no SELinux label
// for somebody to have, too.
func labelledOnly(whose string, check func(*node) (reading, error)) func(*node) (reading, error) {
	return func(n *node) (reading, error) {
		if labelled, err := n.labelled(); err != nil || !labelled {
			return reading{none: "a plain container on this node has no SELinux label that " + whose + " could have"}, err
		}
		return check(n)
	}
}

// vmmSeccomp asks for a filter on the machine monitor: QEMU's own sandbox, which
// Kata leaves off, or the filters that the others bring and that can be disabled.
func vmmSeccomp() item {
	i := item{
		id: "kata-config-vmm-seccomp", title: "The machine monitor is held by a seccomp filter",
		risk:   "A machine monitor that a guest has taken over may make every system call on the node's kernel.",
		wanted: "on", unset: `"" for QEMU, off; on for the others`, expected: judge.Fail,
		mend: `For QEMU set seccomp_sandbox (runtime-rs) or seccompsandbox (the Go shim) to "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny" under [hypervisor.qemu] in a file of config.d; for others remove disable_seccomp.`,
		refs: []string{"NIST AC-6", "NIST SC-39", "NIST SI-16", "ATT&CK T1611", "ATT&CK T1068"},
	}
	i.check = func(n *node) (reading, error) {
		switch n.config.Hypervisor {
		case "remote":
			return reading{none: "the hypervisor is remote: it runs no monitor on this node"}, nil
		case "qemu":
			return qemuSandbox(n)
		case "openvmm":
			return reading{none: "the hypervisor is openvmm: Kata passes it no setting of seccomp; vmm-seccomp looks at what runs"}, nil
		case "stratovirt":
			return reading{setting: "-disable-seccomp", found: "off", open: true, why: "Kata starts StratoVirt so whatever the configuration says"}, nil
		}
		off, err := n.config.Bool(katanode.Hypervisor, "disable_seccomp", false)
		found := "on"
		if off {
			found = "off"
		}
		return reading{setting: n.config.Name(katanode.Hypervisor, "disable_seccomp"), found: found, open: off}, err
	}
	i.opens = func(n *node) (*node, error) {
		if n.config.Hypervisor == "qemu" {
			return n.with(katanode.Hypervisor, fmt.Sprintf("%s = %q", sandboxKey(n.config.Shim), "off"))
		}
		return n.with(katanode.Hypervisor, "disable_seccomp = true")
	}
	return i
}

// sandboxKey is how each shim calls QEMU's seccomp sandbox; the other's name is
// read by nobody.
func sandboxKey(shim katanode.Shim) string {
	if shim == katanode.RustShim {
		return "seccomp_sandbox"
	}
	return "seccompsandbox"
}

func qemuSandbox(n *node) (reading, error) {
	key := sandboxKey(n.config.Shim)
	got, err := n.config.Text(katanode.Hypervisor, key, "")
	r := reading{setting: n.config.Name(katanode.Hypervisor, key), found: said(n, katanode.Hypervisor, key, fmt.Sprintf("%q", got))}
	first, _, _ := strings.Cut(got, ",")
	r.open = strings.TrimSpace(first) != "on"
	for _, other := range []katanode.Shim{katanode.GoShim, katanode.RustShim} {
		if name := sandboxKey(other); r.open && other != n.config.Shim && n.config.Has(katanode.Hypervisor, name) {
			r.why = fmt.Sprintf("%s is set, which only %s reads; %s runs the subject", name, other, n.config.Shim)
		}
	}
	return r, err
}

// labelled says whether a plain container on the node has an SELinux label.
func (n *node) labelled() (bool, error) {
	o, err := n.c.Observe(evidence.Reference, evidence.Look, "posture")
	if err != nil {
		return false, fmt.Errorf("whether the node has SELinux is not known: reference %w", err)
	}
	label, _ := o.Values.Text("lsm")
	return strings.Count(label, ":") >= 3, nil // user:role:type:level, SELinux' alone
}
