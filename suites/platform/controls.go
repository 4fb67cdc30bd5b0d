// Package platform holds the controls over the cluster's own set-up.
package platform

import (
	"slices"

	"github.com/katacert/katacert/suites/catalogue"
)

// Controls are the controls of group platform.
func Controls() []catalogue.Control {
	all := slices.Concat(runtimeClass(), access())
	for i := range all {
		// Everything is asked by dry run or read, on the node and of the API server.
		all[i].Group, all[i].Safety = catalogue.Platform, catalogue.Observes
	}
	return all
}
