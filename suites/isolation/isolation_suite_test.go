package isolation_test

import (
	"testing"

	"github.com/katacert/katacert/suites/isolation"
	"github.com/katacert/katacert/suites/specs"
)

func TestIsolation(t *testing.T) { specs.RunSuite(t, "isolation", isolation.Controls()) }
