package gpu

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// heirs are the vantages that are given a dead tenant's GPUs.
var heirs = []evidence.Vantage{evidence.GPUSuccessor, evidence.GPUSurvivor}

// bySearcher lets the searcher's own token show that the search finds one.
func bySearcher(detects, shows judge.Detection) *judge.Rule {
	return &judge.Rule{Detects: detects, Shows: shows, Control: evidence.GPUSuccessor, Subject: evidence.GPUSuccessor, Expects: true}
}

const ownToken = "the same search must find a token that the searcher leaves itself"

// residue are the controls over what a GPU carries from one tenant to the next.
func residue() []catalogue.Control {
	const memory, shared = "a GPU's memory", "the memory of a GPU's multiprocessors"
	return []catalogue.Control{
		{
			ID:        "gpu-memory-residue",
			Title:     "A tenant does not find in a GPU's memory what the one before it left",
			Why:       "CUDA hands out memory as it is. What the driver or the reset between two pods does not clear of weights and data, the next tenant reads.",
			Proves:    "Tokens that the first tenant had everywhere in the memory of all the node's free GPUs were not recovered by the second tenant, who was given the same GPUs after that pod was deleted, and again after one was killed.",
			ProvesNot: "That the memory is zeroed: it says that the token was not recovered from the memory that the search was given. Nobody promises more.",
			OnFail:    "Have the driver clear memory when it is given back (the default of the open kernel modules; see RMDisableScrubOnFree), reset GPUs between pods, and do not share them.",
			Safety:    catalogue.Plants,
			Profile:   catalogue.Certification,
			Also:      heirs,
			Shown:     ownToken,
			Rule:      bySearcher(judge.RecoversResidue("gpu-residue", "scanned", memory), judge.FindsOwnResidue("gpu-residue")),
			Refs:      catalogue.Refs("NIST SC-4", "NIST MP-6", "NIST SC-39", "ATT&CK T1005"),
		},
		{
			ID:        "gpu-local-residue",
			Title:     "A kernel does not find in a GPU's local memory what others left there",
			Why:       "A program that reads its GPU's local memory before it writes there has seen, on GPUs of several makers, what the program before it computed (LeftoverLocals): parts of somebody's prompts and answers.",
			Proves:    "The second tenant's kernels, which read all shared memory of every multiprocessor before they wrote to it, found none of the tokens with which the first tenant had filled it.",
			ProvesNot: "Registers and caches.",
			OnFail:    "Update driver and firmware of the GPU, and reset it between pods.",
			Safety:    catalogue.Plants,
			Profile:   catalogue.Certification,
			Also:      heirs,
			Shown:     ownToken,
			Rule:      bySearcher(judge.RecoversResidue("gpu-shared-memory", "dumped", shared), judge.FindsOwnResidue("gpu-shared-memory")),
			Refs:      catalogue.Refs("NIST SC-4", "NIST MP-6", "CVE-2023-4969", "ATT&CK T1005"),
		},
		{
			ID:        "gpu-persistent-state",
			Title:     "A GPU is handed on as it was set",
			Why:       "Error correction off, a power limit or another mode of the GPU outlive the pod that set them: the next tenant computes slower or on memory that nobody checks, and never asked for it.",
			Proves:    "MIG and ECC mode, power limit and compute mode of each GPU that the first tenant was given are the same for the second, after two other pods had it.",
			ProvesNot: "That a tenant could not change them: katacert changes none. Settings that the driver does not tell.",
			OnFail:    "Reset GPUs between pods, keep the capabilities that the driver asks for (SYS_ADMIN) from tenants, and compare with nvidia-smi -q on the node.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Certification,
			Also:      heirs,
			Rule:      recorded("gpu-set-by-a-tenant", judge.HandsDownState()),
			Refs:      catalogue.Refs("NIST SC-4", "NIST CM-6", "NIST SI-7", "ATT&CK T1499"),
		},
	}
}
