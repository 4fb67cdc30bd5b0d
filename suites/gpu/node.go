package gpu

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/internal/trial"
	"github.com/katacert/katacert/suites/judge"
)

// node are the controls over how the node holds its GPUs.
func node() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "gpu-iommu-acs",
			Title:     "The IOMMU holds GPUs of different tenants apart",
			Why:       "A GPU that a virtual machine drives writes to memory by itself. Only the IOMMU holds it within its guest's, and only where nothing else shares its group and no switch passes its requests on to the GPU beside it.",
			Proves:    "Each function of NVIDIA's that is bound to a driver for virtual machines is in an IOMMU group with its own functions and bridges alone; the ports above it have source validation, request and completion redirect and upstream forwarding on; and the kernel was not told to believe otherwise.",
			ProvesNot: "That IOMMU and switch do what their registers say. Where no GPU is passed to virtual machines the control does not apply.",
			OnFail:    "Switch the IOMMU and ACS on in the firmware, put GPUs into slots of their own, give all GPUs of a group to one pod, and take pcie_acs_override away.",
			Profile:   catalogue.Quick,
			Rule:      trial.Rule("gpu-iommu-group-shared", judge.SharesIOMMUGroup()),
			Refs:      catalogue.Refs("NIST SC-39", "NIST SC-3", "NIST AC-4", "ATT&CK T1611"),
		},
		{
			ID:        "gpu-p2p-fabric",
			Title:     "A tenant with some of the GPUs does not reach what connects all of them",
			Why:       "Through NVLink's switches and the channels between machines one GPU reads another's memory. Who drives the switch decides who reaches whom.",
			Proves:    "The pod with one GPU opens no device of an NVSwitch, of NVLink or of an IMEX channel, and has no NVSwitch on a bus of its own.",
			ProvesNot: "How the fabric is divided where the node's fabric manager drives it: that is not told to pods.",
			OnFail:    "Give NVSwitches to nobody but the fabric manager, partition the fabric by tenant, and create no IMEX channel that two tenants share.",
			Also:      []evidence.Vantage{evidence.GPUSubject},
			Rule:      recorded("gpu-fabric-open", judge.ReachesFabric()),
			Refs:      catalogue.Refs("NIST SC-4", "NIST AC-4", "NIST SC-7", "ATT&CK T1005"),
		},
		{
			ID:        "gpu-driver-identity",
			Title:     "Every GPU of the node is held by the one driver that it should have",
			Why:       "A GPU that the node's own driver holds while a guest has it, or that nouveau took, is shared by two masters. One that changes hands while pods run was not handed over in order.",
			Proves:    "All GPUs of the node are held by NVIDIA's driver, or all by one that passes them to virtual machines, which it must be where the sandbox is one and was given a GPU; each by the same at the end as at the beginning.",
			ProvesNot: "Who made the driver's file, and which version a guest of its own loads.",
			OnFail:    "Blacklist nouveau, bind GPUs with driver_override before anything uses them, and let one manager (vfio-manager, or the driver's) own them.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Quick,
			Rule:      trial.Rule("gpu-of-two-drivers", judge.MixesDrivers()),
			Refs:      catalogue.Refs("NIST CM-8", "NIST CM-7", "NIST SI-7", "ATT&CK T1611"),
		},
		{
			ID:        "gpu-toolkit-hook",
			Title:     "No image takes over the node through NVIDIA's container toolkit",
			Why:       "The toolkit's hooks run as root of the node in every container that is given a GPU, over files of the container's image. Time and again an image could make them do what it wanted (CVE-2024-0132, CVE-2024-0135, CVE-2025-23359, CVE-2025-23266, CVE-2025-23267, CVE-2026-24260).",
			Proves:    "The container toolkit that the node has installed is of a version without these flaws, or has the hook of CVE-2025-23266 switched off, and is not told to bring a flaw back.",
			ProvesNot: "Flaws that NVIDIA's bulletins did not tell of by August 2026. Whether a RuntimeClass uses the toolkit: an installed one may be used by any pod.",
			OnFail:    "Upgrade the container toolkit to 1.19.1 or later (GPU Operator 26.3.2). Until then features.disable-cuda-compat-lib-hook = true takes the hook of CVE-2025-23266 away, and no other flaw.",
			Profile:   catalogue.Quick,
			OptIn:     []string{"gpu-files"},
			Rule:      trial.Rule("gpu-toolkit-of-2024", judge.HasFlawedHook()),
			Refs:      catalogue.Refs("NIST SI-2", "NIST RA-5", "CVE-2024-0132", "CVE-2024-0135", "CVE-2025-23359", "CVE-2025-23266", "CVE-2025-23267", "CVE-2026-24260", "ATT&CK T1611"),
		},
	}
}
