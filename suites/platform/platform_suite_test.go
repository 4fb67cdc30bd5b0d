package platform_test

import (
	"testing"

	"github.com/katacert/katacert/suites/platform"
	"github.com/katacert/katacert/suites/specs"
)

func TestPlatform(t *testing.T) { specs.RunSuite(t, "platform", platform.Controls()) }
