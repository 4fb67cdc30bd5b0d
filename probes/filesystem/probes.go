// Package filesystem observes which files a container can reach beyond its own,
// and what its mounts tell of the node.
package filesystem

import (
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Probes returns the probes of the group in the order in which they run.
func Probes() []probes.Probe {
	look := []evidence.Round{evidence.Look}
	lookAgain := []evidence.Round{evidence.LookAgain}
	hunts := []evidence.Round{evidence.LookAgain, evidence.Aftermath}
	return []probes.Probe{
		{ID: "mountinfo", Rounds: look, Observe: mounts},
		{ID: "descriptors", Rounds: look, Observe: descriptors},
		{ID: "runtime-sockets", Rounds: lookAgain, Observe: runtimeSockets},
		{ID: "canary-walk", Rounds: lookAgain, From: probes.NotWitness, Observe: canaryWalk},
		{ID: "tenant-files", Rounds: hunts, From: probes.NotWitness, OptIn: true, Observe: tenantFiles},
	}
}
