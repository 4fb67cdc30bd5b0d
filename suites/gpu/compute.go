package gpu

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/internal/trial"
	"github.com/katacert/katacert/suites/judge"
)

// recorded lets a trial of recorded evidence show that the judge finds the fault: a
// GPU that works could not.
func recorded(id string, detects judge.Detection) *judge.Rule {
	rule := trial.Rule(id, detects)
	rule.Subject = evidence.GPUSubject
	return rule
}

// compute are the controls over what a GPU does.
func compute() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "gpu-compute",
			Title:     "GPUs compute in the sandbox, to the bit",
			Why:       "Isolation that breaks the workload is switched off. A GPU that is there, and whose results are wrong, ruins a training run unseen.",
			Proves:    "A vector addition and a matrix product of whole numbers, on each GPU that the tenants were given, came out equal to what the processor computes of the same numbers, element by element.",
			ProvesNot: "Speed, which is recorded and never demanded. Floating point, whose last bits may differ between GPUs.",
			OnFail:    "Read the driver's errors (Xid in the node's or the guest's kernel log), and run the same pod under runc on the same GPU.",
			Also:      []evidence.Vantage{evidence.GPUNeighbour},
			OptIn:     []string{"gpu-throughput"}, // for the figures
			Rule:      recorded("gpu-computes-wrong", judge.ComputesWrong()),
			Refs:      catalogue.Refs("NIST SI-7", "NIST SI-10", "NIST SI-17"),
		},
		{
			ID:        "gpu-memory-pattern",
			Title:     "GPUs keep what is written to their memory",
			Why:       "Weights lie in the GPU's memory for weeks. Cells that lose bits, or two addresses that are one, change them unseen where error correction is off.",
			Proves:    "Words that each tell their own address, and the same inverted, were read back as written from at least half of the memory of each GPU that the tenants were given.",
			ProvesNot: "Faults that come with heat, time or certain patterns: that takes hours with the vendor's own tools.",
			OnFail:    "Look at the GPU's counters of uncorrected errors, switch ECC on, and have the GPU replaced.",
			Also:      []evidence.Vantage{evidence.GPUNeighbour},
			Shown:     "the same test must find a bit that it flips itself",
			Rule:      &judge.Rule{Detects: judge.ForgetsPattern(), Shows: judge.FindsFlippedBit(), Control: evidence.GPUSubject, Subject: evidence.GPUSubject, Expects: true},
			Refs:      catalogue.Refs("NIST SI-7", "NIST SI-13", "NIST SI-16"),
		},
	}
}
