package certification

import (
	"slices"

	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/gpu"
	"github.com/katacert/katacert/suites/isolation"
	"github.com/katacert/katacert/suites/kata"
	"github.com/katacert/katacert/suites/platform"
	"github.com/katacert/katacert/suites/tenancy"
	"github.com/katacert/katacert/suites/training"
	"github.com/katacert/katacert/suites/vmm"
)

// Catalogue is every control that katacert has, in report order.
func Catalogue() []catalogue.Control {
	return slices.Concat(isolation.Controls(), vmm.Controls(), tenancy.Controls(), platform.Controls(), kata.Controls(), kata.Annotations(), gpu.Controls(), training.Controls())
}
