// Command katacert certifies that sandboxed pods of a Kubernetes cluster really
// isolate, and that training still works inside them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/suites/certification"
)

// Exit codes, documented in the README and in the help text.
const (
	exitCertified    = 0
	exitNotCertified = 1
	exitUsage        = 2
	exitPartial      = 3
	exitLeftovers    = 4
)

func main() {
	// The local cluster's own processes are this program under another name.
	local.RunHidden(os.Args)
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once; the next run clears what is left.
	context.AfterFunc(ctx, stop)
	err := newRoot().ExecuteContext(ctx)
	if err == nil {
		return exitCertified
	}
	var outcome *outcomeError
	if errors.As(err, &outcome) {
		return outcome.code
	}
	fmt.Fprintln(os.Stderr, "katacert: "+err.Error())
	if errors.Is(err, certification.ErrUsage) || errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitPartial
}

// outcomeError carries the exit code of a run whose report says everything.
type outcomeError struct{ code int }

func (e *outcomeError) Error() string { return fmt.Sprintf("exit code %d", e.code) }
