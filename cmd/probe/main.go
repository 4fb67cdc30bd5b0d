// Command probe observes from inside a container, on the node, or as the init
// of a virtual machine. It is static and needs nothing else in its image.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/katacert/katacert/probes/filesystem"
	"github.com/katacert/katacert/probes/inventory"
	"github.com/katacert/katacert/probes/plant"
	"github.com/katacert/katacert/probes/round"
)

// Exit codes. A round that wrote its evidence is a success whatever it saw.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

const usage = `probe observes an execution environment for katacert.

Usage:
  probe pause               wait until told to stop (the pod's main process)
  probe round [flags]       run the probes of one round, print evidence
  probe sweep [flags]       remove what the witnesses of a run left on the node
  probe serve DEVICE        be the init of a virtual machine; take rounds from DEVICE
  probe version             print the version

Run "probe round -h" or "probe sweep -h" for their flags.
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = io.WriteString(stderr, usage)
		return exitUsage
	}
	switch command, rest := args[0], args[1:]; command {
	case "pause":
		return pause(rest, stderr, plant.Release)
	case "round":
		return lookAround(rest, stdout, stderr)
	case "sweep":
		return sweep(rest, stdout, stderr)
	case "serve":
		return serve(rest, stderr)
	case "version":
		return version(rest, stdout, stderr)
	case "hold": // started by the witness's act round alone
		return plant.Hold(rest)
	case "hold-process": // started by hold
		return plant.HoldProcess(rest)
	case filesystem.ReleaseAgentCommand: // started by the probe release-agent
		return filesystem.OpenReleaseAgents(stdout)
	case "hold-tenant": // started by a tenant's act round
		return plant.HoldTenant(rest)
	case "help", "-h", "-help", "--help":
		_, _ = io.WriteString(stdout, usage)
		return exitOK
	default:
		return complain(stderr, exitUsage, "probe: unknown command %q; run \"probe help\"", command)
	}
}

// lookAround runs one round of every probe.
func lookAround(args []string, stdout, stderr io.Writer) int {
	err := round.Run(args, inventory.All(), stdout, stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, round.ErrUsage):
		return complain(stderr, exitUsage, "probe round: %v", err)
	default:
		return complain(stderr, exitFailed, "probe round: %v", err)
	}
}

// complain prints one line for people and returns the exit code.
func complain(stderr io.Writer, code int, format string, args ...any) int {
	_, _ = fmt.Fprintf(stderr, format+"\n", args...)
	return code
}
