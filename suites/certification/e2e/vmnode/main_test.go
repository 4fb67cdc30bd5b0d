//go:build e2e

package vmnode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/reports"
)

const (
	buildTimeout = 10 * time.Minute
	// commandTimeout is for one command on a busy machine, an installation of
	// Debian or a certification of emulated pods at most.
	commandTimeout = 30 * time.Minute
	// settleTimeout is for ended processes to be gone.
	settleTimeout = 30 * time.Second
)

// source is the source tree, program katacert built from it.
var source, program string

func TestMain(m *testing.M) {
	if local.RunHidden(os.Args) {
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "these tests bring up a local cluster and need root")
		return 1
	}
	scratch, err := os.MkdirTemp("", "kc")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	if source, err = filepath.Abs("../../../.."); err == nil {
		err = os.Setenv("XDG_STATE_HOME", filepath.Join(scratch, "state"))
	}
	program = filepath.Join(scratch, "katacert")
	if err = errors.Join(err, build()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build makes katacert as the Makefile does, and puts a copy where no later build
// replaces it.
func build() error {
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "make", "-s", "-C", source, "build").CombinedOutput(); err != nil {
		return fmt.Errorf("make build: %w\n%s", err, out)
	}
	binary, err := os.ReadFile(filepath.Join(source, "bin", "katacert"))
	if err != nil {
		return err
	}
	return os.WriteFile(program, binary, 0o755)
}

// katacert runs the program in its source tree, and wants an exit code.
func katacert(t *testing.T, want int, args ...string) (stdout string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	started := time.Now()
	cmd := exec.CommandContext(ctx, program, args...)
	var out, messages bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = source, &out, &messages
	err := cmd.Run()
	t.Logf("%v: katacert %s", time.Since(started).Round(time.Second), strings.Join(args, " "))
	if code := cmd.ProcessState.ExitCode(); code != want {
		t.Fatalf("exit code %d (%v), want %d:\n%s\n%s", code, err, want, out.String(), messages.String())
	}
	return out.String()
}

// certify runs a certification and reads its report.
func certify(t *testing.T, want int, args ...string) *reports.Report {
	t.Helper()
	out := katacert(t, want, append([]string{"certify", "--output", "json", "--profile", "quick", "--out", t.TempDir()}, args...)...)
	var report reports.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	return &report
}

// await waits until a condition holds.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	again, deadline := time.NewTicker(50*time.Millisecond), time.After(settleTimeout)
	defer again.Stop()
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("after %s it does not hold that %s", settleTimeout, what)
		}
	}
}
