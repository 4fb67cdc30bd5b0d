package kata

import (
	"slices"

	"github.com/katacert/katacert/suites/catalogue"
)

// Controls are the controls of group kata.
func Controls() []catalogue.Control { return onNode() }

// onNode are the controls that the node's own files are enough for.
func onNode() []catalogue.Control {
	var all []catalogue.Control
	for _, i := range items() {
		all = append(all, i.control())
	}
	for _, a := range advisories() {
		all = append(all, a.control())
	}
	return append(all, immutable()...)
}

// items are the settings that are held to the baseline.
func items() []item {
	return slices.Concat(confinement(), sharing(), tenants(), debugging(), []item{agentPolicy()})
}
