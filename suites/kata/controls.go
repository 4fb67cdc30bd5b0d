package kata

import (
	"slices"

	"github.com/katacert/katacert/suites/catalogue"
)

// Controls are the controls of group kata.
func Controls() []catalogue.Control {
	var all []catalogue.Control
	for _, i := range items() {
		all = append(all, i.control())
	}
	return all
}

// items are the settings that are held to the baseline.
func items() []item { return slices.Concat(confinement(), sharing(), tenants(), debugging()) }
