// Package devices observes which devices of the node a container can see or
// open.
package devices

import (
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Probes returns the probes of the group in the order in which they run. The
// partitions probe reads what the witness has planted, so in the act round it
// must come after that.
func Probes() []probes.Probe {
	return []probes.Probe{
		{ID: "partitions", Rounds: []evidence.Round{evidence.Look, evidence.LookAgain}, Observe: partitions},
		{ID: "partitions", Rounds: []evidence.Round{evidence.Act}, From: probes.OnlyWitness, Observe: partitions},
		{ID: "disk-ids", Rounds: look, Observe: diskIDs},
		{ID: "device-nodes", Rounds: look, Observe: deviceNodes},
		{ID: "dmi", Rounds: look, Observe: dmi},
		{ID: "pci", Rounds: look, Observe: pci},
		{ID: "virtio", Rounds: look, From: probes.NotWitness, Observe: virtio},
		{ID: "block-read", Rounds: []evidence.Round{evidence.LookAgain}, From: probes.NotWitness, OptIn: true, Observe: blockRead},
		{ID: "block-open", Rounds: look, From: probes.NotWitness, OptIn: true, Observe: blockOpen},
		{ID: "device-set", Rounds: look, OptIn: true, Observe: deviceSet},
		{ID: "kernel-memory", Rounds: look, OptIn: true, Observe: kernelMemory},
	}
}

var look = []evidence.Round{evidence.Look}
