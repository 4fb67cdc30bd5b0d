package training_test

import (
	"testing"

	"github.com/katacert/katacert/suites/specs"
	"github.com/katacert/katacert/suites/training"
)

func TestTraining(t *testing.T) { specs.RunSuite(t, "training", training.Controls()) }
