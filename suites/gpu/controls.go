// Package gpu holds the controls over GPUs: that a tenant has those that it was given
// and no other, that they compute, and that nothing passes through them from one tenant
// to the next.
package gpu

import (
	"slices"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Controls are the controls of group gpu.
func Controls() []catalogue.Control {
	all := slices.Concat(allocation(), compute(), residue(), node())
	for i := range all {
		c := &all[i]
		c.Group = catalogue.GPU
		if c.Level == "" {
			c.Level = catalogue.Isolation
		}
		if c.Profile == "" {
			c.Profile = catalogue.Nightly
		}
		if c.Safety == "" {
			c.Safety = catalogue.Observes
		}
		c.OptIn = append(c.OptIn, "gpu-functions", "gpu-seen", "gpu-allocations")
	}
	return all
}

// tenants are the vantages that ask for a GPU each, as far as the node has them.
var tenants = []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUReference}

// allocation are the controls over who has which GPU.
func allocation() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "gpu-allocation",
			Title:     "A pod has exactly the GPUs that the kubelet gave it",
			Why:       "Device plugin, runtime and sandbox hand a GPU on in several steps. A pod that ends up with another one than the kubelet counts for it uses what belongs to somebody else, and nobody's accounts are right.",
			Proves:    "The UUIDs of the GPUs whose device nodes the tenants' and the plain pod open, and which CUDA gives them, are those that the kubelet's PodResources names for these pods.",
			ProvesNot: "For GPUs that are passed to virtual machines the kubelet knows no UUIDs: there it compares how many. That the GPUs compute: gpu-compute asks for that.",
			OnFail:    "Compare the device plugin's answer (device list strategy, CDI) with what the runtime makes of it; under Kata see that cold_plug_vfio and pod_resource_api_sock are set.",
			Also:      tenants,
			Rule:      recorded("gpu-of-another", judge.GetsOtherGPUs()),
			Refs:      catalogue.Refs("NIST SC-4", "NIST AC-3", "NIST CM-8", "ATT&CK T1005"),
		},
		{
			ID:        "gpu-unrequested",
			Title:     "A pod that asked for no GPU has none",
			Why:       "Where the runtime hands out GPUs by an environment variable (NVIDIA_VISIBLE_DEVICES), any image that sets it has all of the node's, past scheduler, quota and accounting.",
			Proves:    "A pod of the first tenant that asks for no GPU and names all of them in its environment, and the subject, which names none, open no device node of a GPU, and see none on a bus of their own.",
			ProvesNot: "Variables and mounts that other runtimes heed, and what privileged pods have: admission-matrix says whether tenants may run those.",
			OnFail:    "Set accept-nvidia-visible-devices-envvar-when-unprivileged = false in the container toolkit's config.toml, and give devices by CDI or as volume mounts.",
			Also:      []evidence.Vantage{evidence.GPUSubject, evidence.Subject},
			Shown:     "the same probe in the pod that asked for a GPU must find one",
			Rule:      &judge.Rule{Detects: judge.HasGPU(), Control: evidence.GPUSubject, Subject: evidence.GPUUnrequested, Expects: true},
			Refs:      catalogue.Refs("NIST AC-3", "NIST AC-6", "NIST SC-4", "ATT&CK T1611", "ATT&CK T1496"),
		},
		{
			ID:        "gpu-exclusive",
			Title:     "Two tenants never have one GPU",
			Why:       "Pods on one GPU share its memory manager, caches and faults: time-slicing and MPS isolate nothing, and a fault of one ends the work of both.",
			Proves:    "No GPU that the first tenant's pod sees is seen by the second's, and the kubelet gave none of the node's, or a slice of it, to two pods.",
			ProvesNot: "That parts of one GPU which the hardware divides (MIG) do not influence each other: they count as GPUs of their own.",
			OnFail:    "Take time-slicing and MPS (sharing in the device plugin's configuration) away from nodes with tenants who do not trust each other.",
			Also:      tenants,
			Rule:      recorded("gpu-of-two-tenants", judge.SharesGPU()),
			Refs:      catalogue.Refs("NIST SC-4", "NIST SC-39", "NIST AC-4", "ATT&CK T1005"),
		},
		{
			ID:              "gpu-release",
			Title:           "A GPU can be used again once its pod is gone",
			Why:             "A GPU that stays with a dead pod, or that its driver does not give back, is lost until somebody restarts the node: whoever makes pods die takes GPUs from everybody.",
			Proves:          "Pods that asked for every GPU of the node ran one after the other, some of which were deleted and some killed without a grace period, and at the end the kubelet counts no GPU for any of them.",
			ProvesNot:       "Hundreds of pods: GPUs that wedge after many resets are found by a longer loop.",
			OnFail:          "Read the kubelet's log and the device plugin's; on Kata look for VFIO devices that stay bound to a dead sandbox, and at the node's kernel log for resets that failed.",
			Profile:         catalogue.Certification,
			Safety:          catalogue.Plants,
			NeedsGPURelease: true,
			Also:            []evidence.Vantage{evidence.GPUSubject},
			Shown:           "a pod that asks for one GPU more than the node has must be seen not to run",
			Rule:            &judge.Rule{Detects: judge.WithholdsGPU(), Shows: judge.RefusesTooMany(), Control: evidence.API, Subject: evidence.API, Expects: true},
			Refs:            catalogue.Refs("NIST SC-5", "NIST CP-10", "NIST SC-6", "ATT&CK T1499"),
		},
	}
}
