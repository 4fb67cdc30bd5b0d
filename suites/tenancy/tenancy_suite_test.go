package tenancy_test

import (
	"testing"

	"github.com/katacert/katacert/suites/specs"
	"github.com/katacert/katacert/suites/tenancy"
)

func TestTenancy(t *testing.T) { specs.RunSuite(t, "tenancy", tenancy.Controls()) }
