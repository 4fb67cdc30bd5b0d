// Package inventory joins the groups of probes into the one list that the
// probe binary runs.
package inventory

import (
	"slices"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/devices"
	"github.com/katacert/katacert/probes/filesystem"
	"github.com/katacert/katacert/probes/gpunode"
	"github.com/katacert/katacert/probes/kata"
	"github.com/katacert/katacert/probes/kernel"
	"github.com/katacert/katacert/probes/network"
	"github.com/katacert/katacert/probes/plant"
	"github.com/katacert/katacert/probes/platform"
	"github.com/katacert/katacert/probes/privilege"
	"github.com/katacert/katacert/probes/process"
)

// All returns every probe in the order in which a round runs them. The order
// has meaning: what the witness plants in the act round must be there before
// other probes of that round read the node, and burning CPU time comes last
// within its group so that it disturbs no reading before it.
func All() []probes.Probe {
	return slices.Concat(
		plant.Probes(),
		kernel.Probes(),
		filesystem.Probes(),
		devices.Probes(),
		process.Probes(),
		network.Probes(),
		privilege.Probes(),
		kata.Probes(),
		gpunode.Probes(),
		platform.Probes(),
	)
}
