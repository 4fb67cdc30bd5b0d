//go:build e2e

// Package e2e tests `katacert certify` on this machine: the program itself, on
// a local cluster with real pods, read by the report that it writes. It needs
// root, and builds the cluster's programs when they are not cached.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/cluster/local"
)

const (
	// clusterName is the cluster that most tests share.
	clusterName = "certify-e2e"
	nodeName    = "katacert-" + clusterName

	buildTimeout   = 10 * time.Minute // a first build of everything, dependencies included
	commandTimeout = 5 * time.Minute
	upTimeout      = 45 * time.Minute // a first build of the cluster's programs
	cleanTimeout   = 30 * time.Second
	requestTimeout = time.Minute
)

// Paths of the tests: program is katacert, source its source tree. The folder
// of states is short because the paths of Unix sockets are.
var program, source, scratch, state string

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
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := local.Down(context.Background(), clusterName); err != nil && shared.environ != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		_ = os.RemoveAll(scratch)
	}()
	return m.Run()
}

// build makes katacert as the Makefile does, and puts a copy where no later
// build replaces it.
func build() (err error) {
	if source, err = filepath.Abs("../../.."); err != nil {
		return err
	}
	if scratch, err = os.MkdirTemp("", "kc"); err != nil {
		return err
	}
	if err := os.Chmod(scratch, 0o755); err != nil { // another user runs the program in one test
		return err
	}
	state = filepath.Join(scratch, "state")
	if err := os.Setenv("XDG_STATE_HOME", state); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "make", "-s", "-C", source, "build").CombinedOutput(); err != nil {
		return fmt.Errorf("make build: %w\n%s", err, out)
	}
	binary, err := os.ReadFile(filepath.Join(source, "bin", "katacert"))
	if err != nil {
		return err
	}
	program = filepath.Join(scratch, "katacert")
	return os.WriteFile(program, binary, 0o755)
}
