// Package network observes which services a container reaches that are not
// meant for it: the node's own, the cloud's, and those of other tenants.
//
// Its probes send packets to others and wait for answers, so they run only where
// a control that needs them is chosen.
package network

import (
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// Probes returns the probes of the group in the order in which they run.
func Probes() []probes.Probe {
	return []probes.Probe{
		{ID: "links", Rounds: []evidence.Round{evidence.Trial}, From: probes.NotWitness, Observe: links},
		{ID: "loopback", Rounds: lookAgain, From: probes.NotWitness, OptIn: true, Observe: loopback},
		{ID: "metadata", Rounds: look, OptIn: true, Observe: metadata},
		{ID: "kubelet", Rounds: lookAgain, OptIn: true, Observe: kubelet},
		{ID: "node-services", Rounds: []evidence.Round{evidence.Act}, From: probes.OnlyWitness, OptIn: true, Observe: listNodeServices},
		{ID: "node-services", Rounds: lookAgain, From: probes.NotWitness, OptIn: true, Observe: nodeServices},
		{ID: "tenant-call", Rounds: lookAgain, From: probes.OnlyTenants, OptIn: true, Observe: tenantCall},
		{ID: "raw-frame", Rounds: lookAgain, From: forgesFrames, OptIn: true, Observe: rawFrame},
		{ID: "vsock-ports", Rounds: []evidence.Round{evidence.Act}, From: probes.OnlyWitness, OptIn: true, Observe: listVsock},
		{ID: "vsock-ports", Rounds: lookAgain, From: onlySubject, OptIn: true, Observe: vsockPorts},
		{ID: "vsock-agent", Rounds: lookAgain, From: onlySubject, OptIn: true, Observe: vsockAgent},
		{ID: "listener-log", Rounds: []evidence.Round{evidence.Settle}, From: onSandboxes, OptIn: true, Observe: listenerLog},
	}
}

// onlySubject restricts a probe to the sandbox under test: on the node's own kernel the
// same calls would leave the node.
func onlySubject(v evidence.Vantage) bool { return v == evidence.Subject }

// onSandboxes restricts a probe to the tenants on the RuntimeClass under test.
func onSandboxes(v evidence.Vantage) bool { return v == evidence.Subject || v == evidence.Neighbour }

var (
	look      = []evidence.Round{evidence.Look}
	lookAgain = []evidence.Round{evidence.LookAgain}
)

// answerWithin bounds every wait for an answer on an idle node. The waits of one
// probe pass at the same time.
const answerWithin = 1200 * time.Millisecond

// limit is how long to wait for an answer in this run.
func limit(ctx *probes.Context) time.Duration { return ctx.Scaled(answerWithin) }

// untold is the observation of a probe that lacks a parameter: there is nothing
// that it could call.
func untold(what string) evidence.Observation {
	return probes.Absent("was not told %s", what)
}
