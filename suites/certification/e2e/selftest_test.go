//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/mutants"
	"github.com/katacert/katacert/suites/selftest"
)

// selftestTimeout bounds the whole self-test, which takes some five minutes on
// two cores.
const selftestTimeout = 20 * time.Minute

// Every mutant that can be made on a local cluster is caught, nothing fires on the
// sound set-up, and no control is unproven.
func TestSelftest(t *testing.T) {
	before := lookAtMachine(t)
	out := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), selftestTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, program, "selftest", "--out", out, "--name", "selftest-e2e", "--output", "json")
	command.Stdout, command.Stderr = &stdout, &stderr
	start := time.Now()
	err := command.Run()
	t.Logf("the self-test took %s", time.Since(start).Round(time.Second))
	var result selftest.Result
	if jsonErr := json.Unmarshal(stdout.Bytes(), &result); jsonErr != nil {
		t.Fatalf("%v (%v)\n%s", jsonErr, err, stderr.String())
	}
	if len(result.Trials) != len(mutants.All()) || len(result.Leftovers) > 0 {
		t.Errorf("%d of %d mutants were tried; left behind: %q", len(result.Trials), len(mutants.All()), result.Leftovers)
	}
	for _, trial := range result.Trials {
		t.Logf("%-24s %3.0f s, caught by %d, also by %d", trial.Mutant, trial.Took.Seconds(), len(trial.Caught), len(trial.Also))
		if _, err := os.Stat(filepath.Join(out, result.ID, trial.Run, "report.json")); err != nil {
			t.Errorf("mutant %s has no report: %v", trial.Mutant, err)
		}
	}
	if _, err := os.Stat(filepath.Join(out, result.ID, "selftest.md")); err != nil {
		t.Error(err)
	}
	before.requireSame(t)
	// Last, so that it is what a log that is cut to its end still shows.
	if outcome, causes := result.Outcome(); err != nil || outcome != selftest.Sharp {
		t.Errorf("%s (%v):\n%s", outcome, err, strings.Join(causes, "\n"))
	}
}
