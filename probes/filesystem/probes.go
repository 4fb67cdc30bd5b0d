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
		{ID: "core-pattern", Rounds: look, From: probes.NotWitness, OptIn: true, Observe: corePattern},
		{ID: "release-agent", Rounds: look, OptIn: true, Observe: releaseAgents},
		{ID: "runtime-sockets", Rounds: lookAgain, Observe: runtimeSockets},
		{ID: "canary-walk", Rounds: lookAgain, From: probes.NotWitness, Observe: canaryWalk},
		{ID: "open-by-handle", Rounds: lookAgain, From: probes.NotWitness, Observe: openByHandle},
		{ID: "share-links", Rounds: lookAgain, From: probes.NotWitness, OptIn: true, Observe: shareLinks},
		{ID: "procsys", Rounds: lookAgain, From: probes.NotWitness, OptIn: true, Observe: procsys},
		{ID: "special-files", Rounds: lookAgain, From: probes.NotWitness, OptIn: true, Observe: specialFiles},
		{ID: "sealed-volume", Rounds: lookAgain, From: onlyPrivileged, OptIn: true, Observe: sealedVolume},
		{ID: "tenant-files", Rounds: hunts, From: probes.NotWitness, OptIn: true, Observe: tenantFiles},
	}
}
