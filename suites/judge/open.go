package judge

import (
	"slices"

	"github.com/katacert/katacert/probes/evidence"
)

// Open begins to judge a control that does not follow the general rule, from a
// package of controls. The case notes which observations are asked for, so that
// the verdict can say what it rests on.
func Open(from Evidence) *Case { return &Case{Evidence: from} }

// Observe finds what a vantage observed with one probe in a round. The error says
// why there is no trustworthy observation and completes "<vantage> ...".
func (c *Case) Observe(v evidence.Vantage, round evidence.Round, probe string) (evidence.Observation, error) {
	return c.observe(c.Evidence.View(v), round, probe)
}

// SandboxOf finds the sandbox of a vantage's pod on the node. The error completes
// "<vantage> ..."; of a pod that never ran it is the pod's own failure.
func (c *Case) SandboxOf(v evidence.Vantage) (Sandbox, error) { return c.sandbox(v) }

// Rests are the observations that were asked for so far.
func (c *Case) Rests() []Basis { return slices.Clone(c.rests) }

// Ends is a verdict on what was asked for so far.
func (c *Case) Ends(result Result, reason string) Verdict {
	return Verdict{Result: result, Reason: reason, Rests: c.Rests()}
}
