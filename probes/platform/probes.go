// Package platform observes on the node what runs the sandboxes: shims and
// virtual machine monitors. Its probes are the witness's alone and need the
// node's process namespace.
package platform

import (
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Probes returns the probes of the group in the order in which they run. The
// VMM processes come last, so that in the act round they are read as late as
// possible before the subject burns CPU time.
func Probes() []probes.Probe {
	return []probes.Probe{
		{ID: "node", Rounds: []evidence.Round{evidence.Look}, From: probes.OnlyWitness, Observe: node},
		{ID: "virtualisation", Rounds: []evidence.Round{evidence.Look}, From: probes.OnlyWitness, OptIn: true, Observe: virtualisation},
		{ID: "shims", Rounds: []evidence.Round{evidence.Look, evidence.LookAgain}, From: probes.OnlyWitness, Observe: shims},
		{ID: "sandbox-processes", Rounds: []evidence.Round{evidence.Look, evidence.Trial}, From: probes.OnlyWitness, Observe: sandboxProcesses},
		{ID: "called-mounts", Rounds: []evidence.Round{evidence.Trial}, From: probes.OnlyWitness, OptIn: true, Observe: calledMounts},
		{ID: "guest-images", Rounds: []evidence.Round{evidence.Look, evidence.Settle}, From: probes.OnlyWitness, Observe: guestImages},
		{ID: "mitigations", Rounds: []evidence.Round{evidence.Look}, From: probes.OnlyWitness, Observe: mitigations},
		{ID: "sandbox-memory", Rounds: []evidence.Round{evidence.Act}, From: probes.OnlyWitness, OptIn: true, Observe: sandboxMemory},
		{ID: "vmm-processes", Rounds: []evidence.Round{evidence.Look, evidence.Act, evidence.Settle}, From: probes.OnlyWitness, Observe: vmmProcesses},
	}
}

// procfs is where the node's processes are.
const procfs = "/proc"
