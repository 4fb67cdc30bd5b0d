package isolation

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

const devicesOnFail = "The pod sees the node's hardware through the node's own sysfs or procfs, or was handed its device nodes. If the kernel controls fail too, mend those first; otherwise look for privileged_without_host_devices in the runtime's configuration and at the device plugins."

// guestRootByPrivileged asks the guest's root, and lets a privileged plain runc
// pod show that it can be answered.
func guestRootByPrivileged(d judge.Detection) *judge.Rule {
	rule := byWeakness("privileged", d)
	rule.Subject = evidence.GuestRoot
	return rule
}

// Devices are the controls of group devices.
func Devices() []catalogue.Control {
	return complete([]catalogue.Control{
		{
			ID:        "blk-loop-canary",
			Title:     "A block device attached to the node does not appear in the pod",
			Why:       "A block device of the node that a tenant can see is a disk that a tenant with one more capability can read.",
			Proves:    "A loop device of random size, attached to the node between the two looks, is not listed in the pod.",
			ProvesNot: "Devices that are passed to the pod on purpose.",
			Safety:    catalogue.Plants,
			Rule:      byReference(judge.SeesLoopDevice()),
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-4", "NIST CM-7", "ATT&CK T1120"),
		},
		{
			ID:        "blk-serial",
			Title:     "No serial number, WWN or UUID of the node's disks is readable",
			Why:       "Disk identifiers name the machine, and show that the pod reads the node's sysfs.",
			Proves:    "The pod's disks, if it has any, share no identifier with the node's.",
			ProvesNot: "Disks without identifiers.",
			Rule:      byReference(judge.SharesDiskIDs()),
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1120", "ATT&CK T1082"),
		},
		{
			ID:        "dev-kvm-vhost-vfio",
			Title:     "The pod cannot open the node's hypervisor and passthrough devices",
			Why:       "/dev/kvm, vhost and VFIO nodes are the largest kernel surface there is; in a tenant's hands they undo the sandbox.",
			Proves:    "None of them could be opened from the pod.",
			ProvesNot: "Nodes of other names.",
			Rule:      byWeakness("privileged", judge.OpensDevices()),
			Refs:      catalogue.Refs("NIST AC-6", "NIST CM-7", "CIS 5.2.2", "ATT&CK T1611"),
		},
		{
			ID:        "sys-dmi",
			Title:     "The machine's serial numbers are not the node's",
			Why:       "Product UUID and serial number identify the machine for ever, and tie tenants of one node together.",
			Proves:    "None of the identifiers in the firmware tables that the pod reads is the node's.",
			ProvesNot: "Product and vendor names may be equal where the node itself is a virtual machine; they are not compared.",
			Rule:      byReference(judge.AnySameText("dmi", "product_uuid", "product_serial", "board_serial", "chassis_serial")),
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1082"),
		},
		{
			ID:        "sys-pci-topology",
			Title:     "The pod does not see the node's PCI devices",
			Why:       "The set of PCI devices describes the node's hardware, GPUs of other tenants included.",
			Proves:    "The set of PCI addresses and ids is not the node's.",
			ProvesNot: "Single devices that are passed through on purpose.",
			Rule:      byReference(judge.SameSet("pci", "devices")),
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1120"),
		},
		{
			ID:        "blk-host-superblock",
			Title:     "A block device of the node cannot be read by its numbers",
			Why:       "Whoever reads the node's disk reads every file of it, past all permissions: the keys of the kubelet, the images, the other tenants' volumes.",
			Proves:    "A block device attached to the node, whose numbers the pod was told, could not be read: neither by a node in /dev nor by one of the pod's own making.",
			ProvesNot: "Devices that are passed to the pod on purpose.",
			Profile:   catalogue.Certification,
			Safety:    catalogue.Plants,
			Rule:      byWeakness("privileged", judge.Planted("loop", "block-read", "found")),
			OptIn:     []string{"block-read"},
			Refs:      catalogue.Refs("NIST SC-4", "NIST AC-6", "CIS 5.2.2", "CIS 5.2.9", "ATT&CK T1611", "ATT&CK T1006"),
		},
		{
			ID:        "blk-guest-root",
			Title:     "The pod cannot open the block devices of its own kernel",
			Why:       "In a guest these are the root file system and the disks of the sandbox itself. A tenant that writes to them changes the agent that starts the next container, or the image that all guests share.",
			Proves:    "None of the block devices that the kernel lists in the pod could be opened for reading through a node of the pod's own making.",
			ProvesNot: "That the image would survive a write: it is never tried.",
			OnFail:    "The sandbox's device cgroup lets the container open the guest's disks: upgrade Kata Containers (CVE-2020-2023; for pmem and Cloud Hypervisor CVE-2026-24834, fixed in 3.27.0).",
			Profile:   catalogue.Certification,
			Safety:    catalogue.Observes,
			Rule:      byWeakness("privileged", judge.OpensOwnBlocks()),
			OptIn:     []string{"block-open"},
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST AC-6", "NIST SC-3", "ATT&CK T1611", "CVE-2020-2023", "CVE-2026-24834"),
		},
		{
			ID:        "dev-set",
			Title:     "A privileged pod is not given the node's device nodes",
			Why:       "A privileged container of plain runc gets every device node of the node. A runtime that passes them on to a sandbox attaches the node's disks to a guest; gVisor keeps the names and opens none of them.",
			Proves:    "Fewer than half of the node's device nodes, those apart that every container has, are in a privileged pod by name.",
			ProvesNot: "That none is there, or that those which are could be opened: dev-kvm-vhost-vfio and blk-host-superblock ask for that.",
			OnFail:    "The names alone cross no boundary, and with Kata Containers the devices behind them may be attached to the guest. Set privileged_without_host_devices = true for the runtime in containerd's configuration, or privileged_without_host_devices in CRI-O's.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Destructive,
			Safety:    catalogue.Disturbs,
			Rule:      guestRootByPrivileged(judge.HasDevicesOf()),
			OptIn:     []string{"device-set"},
			Refs:      catalogue.Refs("NIST CM-7", "NIST AC-6", "CIS 5.2.2", "ATT&CK T1611"),
		},
		{
			ID:        "dev-mem-kcore",
			Title:     "Root of the guest cannot open the node's memory",
			Why:       "/dev/mem, /dev/port and /proc/kcore are the whole machine in one file: keys, page tables and every other process.",
			Proves:    "A privileged pod either could not open any of them, or opened those of a kernel of its own. They are opened for reading and never read.",
			ProvesNot: "What the hypervisor maps into the guest's memory.",
			Profile:   catalogue.Destructive,
			Safety:    catalogue.Disturbs,
			Rule:      guestRootByPrivileged(judge.OpensLikeNode("kernel-memory")),
			OptIn:     []string{"kernel-memory"},
			Expected:  map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-39", "NIST SC-4", "NIST AC-6", "CIS 5.2.2", "ATT&CK T1611"),
		},
	}, catalogue.Devices, devicesOnFail)
}
