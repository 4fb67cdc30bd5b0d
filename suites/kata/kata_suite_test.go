package kata_test

import (
	"testing"

	"github.com/katacert/katacert/suites/kata"
	"github.com/katacert/katacert/suites/specs"
)

func TestKata(t *testing.T) { specs.RunSuite(t, "kata", kata.Controls()) }
