package isolation

import (
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

const devicesOnFail = "The pod sees the node's hardware through the node's own sysfs or procfs, or was handed its device nodes. If the kernel controls fail too, mend those first; otherwise look for privileged_without_host_devices in the runtime's configuration and at the device plugins."

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
			Refs:      catalogue.Refs("NIST SC-4", "NIST CM-7", "ATT&CK T1120"),
		},
		{
			ID:        "blk-serial",
			Title:     "No serial number, WWN or UUID of the node's disks is readable",
			Why:       "Disk identifiers name the machine, and show that the pod reads the node's sysfs.",
			Proves:    "The pod's disks, if it has any, share no identifier with the node's.",
			ProvesNot: "Disks without identifiers.",
			Rule:      byReference(judge.SharesDiskIDs()),
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
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1082"),
		},
		{
			ID:        "sys-pci-topology",
			Title:     "The pod does not see the node's PCI devices",
			Why:       "The set of PCI devices describes the node's hardware, GPUs of other tenants included.",
			Proves:    "The set of PCI addresses and ids is not the node's.",
			ProvesNot: "Single devices that are passed through on purpose.",
			Rule:      byReference(judge.SameSet("pci", "devices")),
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1120"),
		},
	}, catalogue.Devices, devicesOnFail)
}
