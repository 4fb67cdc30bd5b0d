// Package kernel observes which kernel a container runs on: signals of the
// build (release, build ids), which two machines may share, and signals of the
// instance (boot id, boot time, counters), which they cannot.
package kernel

import (
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Probes returns the probes of the group in the order in which they run.
func Probes() []probes.Probe {
	return []probes.Probe{
		{ID: "boot-id", Rounds: look, Observe: bootID},
		{ID: "random", Rounds: look, Observe: random},
		{ID: "vdso", Rounds: look, Observe: vdso},
		{ID: "kernel-notes", Rounds: look, Observe: kernelNotes},
		{ID: "uname", Rounds: look, Observe: uname},
		{ID: "vmcoreinfo", Rounds: look, Observe: vmcoreinfo},
		{ID: "boot-time", Rounds: twice, Observe: bootTime},
		{ID: "counters", Rounds: twice, Observe: counters},
		{ID: "counters", Rounds: actAndSettle, From: probes.OnlyWitness, Observe: moveCounters},
		{ID: "cmdline", Rounds: lookAndTrial, Observe: cmdline},
		{ID: "cpuid", Rounds: look, Observe: hypervisor},
		{ID: "page-cache", Rounds: act, From: probes.OnlyWitness, Observe: leaveSign},
		{ID: "page-cache", Rounds: act, From: probes.OnlyTenants, Observe: leaveTenantSign},
		{ID: "page-cache", Rounds: lookAgain, From: probes.NotWitness, Observe: readSigns},
		{ID: "burn", Rounds: look, From: only(evidence.Reference), Observe: burn},
		{ID: "burn", Rounds: lookAgain, From: only(evidence.Subject), Observe: burn},
	}
}

var (
	look         = []evidence.Round{evidence.Look}
	lookAndTrial = []evidence.Round{evidence.Look, evidence.Trial}
	act          = []evidence.Round{evidence.Act}
	lookAgain    = []evidence.Round{evidence.LookAgain}
	twice        = []evidence.Round{evidence.Look, evidence.LookAgain}
	actAndSettle = []evidence.Round{evidence.Act, evidence.Settle}
)

func only(vantage evidence.Vantage) func(evidence.Vantage) bool {
	return func(v evidence.Vantage) bool { return v == vantage }
}
