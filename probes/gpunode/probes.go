// Package gpunode observes NVIDIA GPUs without their driver's libraries: on the node,
// from sysfs, the kubelet and the files of the container toolkit, what GPUs there are,
// how they are held and who was given which; in a container, which of them it has.
package gpunode

import (
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Probes returns the probes of the group in the order in which they run. Where no
// control asks for them they cost nothing.
func Probes() []probes.Probe {
	look := []evidence.Round{evidence.Look}
	lookAndSettle := []evidence.Round{evidence.Look, evidence.Settle}
	return []probes.Probe{
		{ID: "gpu-functions", Rounds: lookAndSettle, From: probes.OnlyWitness, OptIn: true, Observe: functions},
		{ID: "gpu-files", Rounds: look, From: probes.OnlyWitness, OptIn: true, Observe: nodeFiles},
		{ID: "gpu-allocations", Rounds: lookAndSettle, From: probes.OnlyWitness, OptIn: true, Observe: allocations},
		Seen(),
	}
}

// Seen is the probe by which a container tells which GPUs it has. It is a part of
// every program of probes.
func Seen() probes.Probe {
	return probes.Probe{ID: "gpu-seen", Rounds: []evidence.Round{evidence.Look}, From: seesGPUs, OptIn: true, Observe: seen}
}

// seesGPUs are the vantages that tell which GPUs they have: those about GPUs, and the
// tenant's pod that asked for none.
func seesGPUs(v evidence.Vantage) bool { return v.GPU() || v == evidence.Subject }
