// Command gpu-test tries this machine's NVIDIA GPU natively, in a plain container
// and in a gVisor sandbox, without any cluster.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/katacert/katacert/fixtures/oci"
)

// Exit codes, as in the help text and the README.
const (
	exitPass = iota
	exitFailed
	exitUsage
	exitInfrastructure
)

const usage = `gpu-test tries this machine's NVIDIA GPU natively, inside runc by CDI, and inside
gVisor's runsc with its driver proxy. It needs root and the driver, and no cluster.

Usage:
  gpu-test [flags]          run it; a table of verdicts and figures goes to stdout
  gpu-test judge FOLDER     judge the evidence of a run again
  gpu-test pack FOLDER      put all programs into a folder, for machines without Go

Exit codes: 0 everything passed; 1 a control failed; 2 wrong arguments; 3 there is
no driver or GPU, or a step could not be run.

Flags:
`

var errUsage = errors.New("wrong arguments")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "gpu-test: %v\n", err)
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitPass, nil
	case err != nil:
		return exitUsage, fmt.Errorf("%w: %w; run \"gpu-test -h\"", errUsage, err)
	}
	switch o.command {
	case "judge":
		return judgeAgain(o.folder, stdout)
	case "pack":
		return pack(ctx, o.folder, stderr)
	}
	if os.Geteuid() != 0 {
		return exitInfrastructure, errors.New("containers are made by root: run it with sudo")
	}
	if o.id == "" {
		if o.id, err = newID(); err != nil {
			return exitInfrastructure, err
		}
	}
	if oci.Enclosed() {
		return try(ctx, o, stdout, stderr, "")
	}
	return enclose(ctx, o, stdout, stderr)
}
