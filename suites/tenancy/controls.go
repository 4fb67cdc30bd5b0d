// Package tenancy holds the controls between two tenants on one node.
package tenancy

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Controls are the controls of group tenancy.
func Controls() []catalogue.Control {
	return append([]catalogue.Control{tenantKernel(), tenantAPI(), pageCache()}, data()...)
}

// tenantKernel asks whether the tenants share a kernel at all.
func tenantKernel() catalogue.Control {
	return catalogue.Control{
		ID:             "tenant-kernel",
		Group:          catalogue.Tenancy,
		Title:          "Two tenants on one node do not share a kernel",
		Why:            "A sandbox that puts two tenants into one guest separates them from the node and not from each other.",
		Proves:         "The boot ids that the two tenants' pods read differ.",
		ProvesNot:      "That nothing passes between the two kernels; the other controls of the group ask for that.",
		OnFail:         "Look for a runtime option that groups pods into one sandbox, and for handlers that run plain runc.",
		Level:          catalogue.Isolation,
		Profile:        catalogue.Quick,
		Safety:         catalogue.Observes,
		Shown:          "two plain runc pods must be seen to share the node's kernel",
		NeedsNeighbour: true,
		Rule: &judge.Rule{
			Detects: judge.SameText("boot-id", "boot_id"),
			Control: evidence.Reference,
			Truth:   evidence.Neighbour,
		},
		Refs: catalogue.Refs("NIST SC-4", "NIST AC-4", "SP800-190 3.5", "ATT&CK T1611"),
	}
}
