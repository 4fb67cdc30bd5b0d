// Package process observes what a container sees of the processes, the kernel
// log, the interprocess communication and the load of the machine it runs on.
package process

import (
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Probes returns the probes of the group in the order in which they run.
func Probes() []probes.Probe {
	return []probes.Probe{
		{ID: "load", Rounds: twiceAndTrial, Observe: load},
		{ID: "interrupts", Rounds: twice, Observe: interrupts},
		{ID: "interrupts", Rounds: actAndSettle, From: probes.OnlyWitness, Observe: moveInterrupts},
		{ID: "cgroups", Rounds: twice, Observe: countCgroups},
		{ID: "cgroups", Rounds: actAndSettle, From: probes.OnlyWitness, Observe: changeCgroups},
		{ID: "planted-process", Rounds: lookAgain, From: probes.NotWitness, Observe: plantedProcess},
		{ID: "tenant-processes", Rounds: hunts, From: probes.NotWitness, OptIn: true, Observe: tenantProcesses},
		{ID: "kmsg", Rounds: lookAgain, From: probes.NotWitness, Observe: kernelLog},
		{ID: "ipc", Rounds: lookAgain, From: probes.NotWitness, Observe: interprocess},
		{ID: "abstract-socket", Rounds: lookAgain, From: probes.NotWitness, Observe: abstractSocket},
		{ID: "keyrings", Rounds: lookAgain, From: probes.NotWitness, OptIn: true, Observe: keyrings},
		{ID: "sysctls", Rounds: []evidence.Round{evidence.Look}, OptIn: true, Observe: sysctls},
	}
}

var (
	lookAgain     = []evidence.Round{evidence.LookAgain}
	hunts         = []evidence.Round{evidence.LookAgain, evidence.Aftermath}
	twice         = []evidence.Round{evidence.Look, evidence.LookAgain}
	twiceAndTrial = []evidence.Round{evidence.Look, evidence.LookAgain, evidence.Trial}
	actAndSettle  = []evidence.Round{evidence.Act, evidence.Settle}
)

// untold is the observation of a seeker that was given no token to seek.
func untold(name string) evidence.Observation {
	return evidence.Observation{State: evidence.Failed, Detail: "was not told the hash of the planted token " + name}
}
