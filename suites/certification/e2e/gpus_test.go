//go:build e2e

package e2e

import "testing"

// computesNothing is what controls of computing and memory come to on GPUs that are
// simulated.
var computesNothing = absent("simulated GPU: ")

// simulated is what every control of group gpu must come to on a node of the local
// cluster that pretends to have three GPUs.
var simulated = map[string]expected{
	"gpu-allocation":       passes("gpu-subject has what the kubelet gave: "),
	"gpu-unrequested":      passes("gpu-unrequested has no GPU and opens no device of one"),
	"gpu-exclusive":        passes("gpu-subject shares no GPU with gpu-neighbour"),
	"gpu-release":          passes("api gives the GPUs to 4 pods one after the other, 2 of which were killed"),
	"gpu-compute":          computesNothing,
	"gpu-memory-pattern":   computesNothing,
	"gpu-memory-residue":   computesNothing,
	"gpu-local-residue":    computesNothing,
	"gpu-persistent-state": computesNothing,
	"gpu-iommu-acs":        computesNothing,
	"gpu-p2p-fabric":       computesNothing,
	"gpu-driver-identity":  computesNothing,
	"gpu-toolkit-hook":     append(absent("the node has no container toolkit"), computesNothing...),
}

// Who has which of a node's GPUs is certified for real where they are simulated, and
// what takes a GPU is said not to apply.
func TestCertifySimulatedGPUs(t *testing.T) {
	before := lookAtMachine(t)
	run := certify(t, "--name", "certify-gpus", "--simulated-gpus", "3", "--runtime-class", "gvisor", "--profile", "certification", "--controls", "^gpu-")
	run.requireCode(t, 0)
	for _, v := range run.report.Verdicts {
		simulated[v.Control].require(t, v)
	}
	if len(run.report.Verdicts) != len(simulated) {
		t.Errorf("%d verdicts, want %d", len(run.report.Verdicts), len(simulated))
	}
	requireNotice(t, run.report, "are simulated by katacert's own device plugin")
	if len(run.report.Leftovers) > 0 {
		t.Errorf("the run left %v", run.report.Leftovers)
	}
	before.requireSame(t)
}
