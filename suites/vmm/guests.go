package vmm

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// guests are the controls over what a guest shares with others than its pod.
func guests() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "memory-sharing",
			Title:     "The guest's memory is nobody else's to read",
			Why:       "A guest's memory holds the tenant's keys and weights. Where it lies in a file that others may open, they have them; where the node merges equal pages of guests, one tenant learns by timing what another's pages hold (CVE-2015-2877).",
			Proves:    "The monitor maps the guest's memory from files without a name or open to their owner alone, from no template, and the node does not merge its pages.",
			ProvesNot: "What root of the node may read. Side channels of the processor's caches.",
			OnFail:    "Write 0 or 2 to /sys/kernel/mm/ksm/run, set enable_template = false in Kata's factory, and let file_mem_backend and its mode alone.",
			Rule:      byRecording("memory-of-everybody", judge.SharesMemory()),
			Refs:      catalogue.Refs("NIST SC-4", "NIST SC-39", "ATT&CK T1005", "CVE-2015-2877"),
		},
		{
			ID:        "debug-console",
			Title:     "The guest's debug console is off",
			Why:       "Kata's debug console is a root shell of the guest without any password, for whoever reaches its vsock port: from the node, and where the guest has vsock, from the container.",
			Proves:    "Neither the command line that the monitor gave to the guest's kernel nor the one that the guest shows turns it on; where the agent's port answers the node by vsock, that of the console (1026) does not.",
			ProvesNot: "That the agent has no console built in: an image of one's own may hold anything.",
			OnFail:    "Set debug_console_enabled = false in the agent's section of Kata's configuration, and look for agent.debug_console in kernel_params and in pods' annotations.",
			Level:     catalogue.Hardening,
			Rule:      byRecording("console-open", judge.OpensConsole()),
			Refs:      catalogue.Refs("NIST AC-6", "NIST CM-7", "NIST AC-17", "ATT&CK T1611", "ATT&CK T1021"),
		},
		{
			ID:        "virtio-inventory",
			Title:     "The guest has no device that Kata does not give it by design",
			Why:       "Every device of a guest is code of the monitor, or hardware, that the guest talks to. One that nobody asked for is surface without use; shared memory is a way to the node or to another guest.",
			Proves:    "Each PCI function and virtio device that the guest shows, and each device that QEMU was told to make, is of a kind that Kata Containers 4.1 uses.",
			ProvesNot: "What a guest hides, and devices of other buses. The pod asks for no GPU: one that is passed through all the same is found.",
			OnFail:    "Look for vhost_user_store_path, vfio devices, enable_iommu and extra arguments in Kata's configuration, and at device plugins that hand devices to pods that ask for none.",
			Level:     catalogue.Hardening,
			Rule:      byRecording("memory-shared-by-a-device", judge.UnexpectedDevices()),
			Refs:      catalogue.Refs("NIST CM-7", "NIST SC-3", "ATT&CK T1120", "ATT&CK T1611"),
		},
		{
			ID:        "vmm-boot-files",
			Title:     "The sandbox holds what its guest started from for reading alone",
			Why:       "All guests of a node start from one kernel and one image. A monitor that holds them open for writing lets a guest that takes it over, or one whose device is writable, change what the next tenant's guest starts.",
			Proves:    "Kernel, initrd, image and firmware that the running sandbox's own state names are only root's to write, are held open for reading alone by all of the sandbox's processes, and were the same files, of the same size and times, at the beginning and at the end.",
			ProvesNot: "That they are what their maker published, or that nobody changed them before: guest-image-immutable compares digests. That the guest could not write through the device that holds its root: blk-guest-root asks for that.",
			OnFail:    "See that the image's device is read-only (disable_image_nvdimm, readonly=on), that no volume or package makes the files writable, and upgrade Kata Containers (CVE-2020-2025, CVE-2026-24834).",
			Rule:      byRecording("boot-files-of-everybody", judge.WritableImage()),
			Refs:      catalogue.Refs("NIST SI-7", "NIST CM-5", "NIST AC-6", "ATT&CK T1525", "CVE-2020-2025", "CVE-2026-24834"),
		},
		{
			ID:        "vsock-listeners",
			Title:     "No process of the node waits for the guest by vsock",
			Why:       "A guest of QEMU reaches every vsock listener of its node, past all network policies: by design nobody should wait there. Whoever does talks to every tenant.",
			Proves:    "The guest, which reached the listener that the witness planted on the node's vsock, was connected to no other: neither at the ports that the node's kernel lists, nor at those up to 1100.",
			ProvesNot: "Listeners above, where the node's kernel does not list them (module vsock_diag), and other guests' vsock: the node does not pass it on.",
			OnFail:    "Find the process with `ss --vsock --listening --processes` on the node, and let it wait on a unix socket instead.",
			Profile:   catalogue.Certification,
			Safety:    catalogue.Plants,
			Shown:     "the same pod must be seen by the node to have called a listener that the witness planted there",
			Rule:      &judge.Rule{Detects: judge.ReachesVsock(), Shows: judge.CallsPlantedVsock(), Control: evidence.Subject},
			OptIn:     []string{"vsock-ports"},
			Refs:      catalogue.Refs("NIST SC-7", "NIST AC-4", "NIST CM-7", "ATT&CK T1611", "ATT&CK T1046"),
		},
		{
			ID:        "vsock-agent",
			Title:     "A container cannot talk to its guest's agent",
			Why:       "Kata's agent takes orders by vsock without any credentials, as root of the guest. A container that reaches it is out of its container, and one step from the guest's kernel.",
			Proves:    "The container, which is connected to a listener of its own by vsock, is refused at the agent's ports (1024, 1025, 1026).",
			ProvesNot: "That the node is reached from there: the guest still holds. Orders are never sent.",
			OnFail:    "Turn the guest's seccomp on (disable_guest_seccomp = false), whose default profile refuses sockets of vsock, use a guest kernel without CONFIG_VSOCKETS_LOOPBACK, and an agent policy.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Certification,
			Shown:     "the same pod must be connected to a listener of its own by vsock",
			Rule:      &judge.Rule{Detects: judge.ReachesAgent(), Shows: judge.CallsItselfByVsock(), Control: evidence.Subject},
			OptIn:     []string{"vsock-agent"},
			Refs:      catalogue.Refs("NIST AC-3", "NIST AC-6", "NIST SC-39", "ATT&CK T1611", "ATT&CK T1068"),
		},
		{
			ID:             "rng-distinct",
			Title:          "No two sandboxes draw the same random numbers",
			Why:            "Guests that were cloned from one template after it drew its secrets draw the same keys, nonces and ids: what one tenant has, it knows of the other.",
			Proves:         "Samples of the kernels' random numbers, boot ids, and machine ids and product UUIDs where there are any, differ between two tenants' pods.",
			ProvesNot:      "That the numbers are good: a generator without entropy may differ in its samples and still be guessed.",
			OnFail:         "Set enable_template = false in Kata's factory, give guests a virtio-rng device (entropy_source), and bake no machine-id into images.",
			NeedsNeighbour: true,
			Rule:           &judge.Rule{Detects: judge.SharesRandomness(), Control: evidence.Reference, Truth: evidence.Neighbour},
			Expected:       map[judge.Kind]judge.Result{judge.KindUserKernel: judge.Pass},
			Refs:           catalogue.Refs("NIST SC-12", "NIST SC-13", "NIST SC-4", "ATT&CK T1552"),
		},
		{
			ID:        "cpu-mitigations",
			Title:     "What the node's kernel says of its processor's flaws",
			Why:       "Guests of different tenants share cores, caches and branch predictors. What the kernel mitigates, and whether two of them run on one core at once, bounds what one learns of another.",
			Proves:    "Nothing by itself: what the kernel tells is recorded, for whoever decides whom to put beside whom.",
			ProvesNot: "That a mitigation works, or that there are no flaws besides the known ones.",
			OnFail:    "Update microcode and kernel, take mitigations=off away, and give each core to one tenant at a time (core scheduling, nosmt, or pinned processors).",
			Level:     catalogue.Hardening,
			Shown:     "recorded only",
			Rule:      &judge.Rule{Detects: judge.ShowsMitigations(), RecordOnly: true},
			Expected:  map[judge.Kind]judge.Result{judge.KindVM: judge.NotApplicable},
			Refs:      catalogue.Refs("NIST SC-4", "NIST SI-2", "ATT&CK T1082", "CVE-2018-3646", "CVE-2022-40982"),
		},
	}
}
