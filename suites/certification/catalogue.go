package certification

import (
	"slices"

	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/isolation"
	"github.com/katacert/katacert/suites/kata"
	"github.com/katacert/katacert/suites/platform"
	"github.com/katacert/katacert/suites/tenancy"
	"github.com/katacert/katacert/suites/training"
)

// Catalogue is every control that katacert has, in report order.
func Catalogue() []catalogue.Control {
	return slices.Concat(isolation.Controls(), tenancy.Controls(), platform.Controls(), kata.Annotations(), training.Controls())
}
