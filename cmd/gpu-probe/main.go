//go:build cgo

// Command gpu-probe looks at NVIDIA GPUs from inside a container, with the
// driver's own libraries, which the container's runtime brings. It needs an image
// with the GNU C library and nothing else: no CUDA toolkit and no shell.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/gpu"
	"github.com/katacert/katacert/probes/gpu/management"
	"github.com/katacert/katacert/probes/gpunode"
	"github.com/katacert/katacert/probes/kernel"
	"github.com/katacert/katacert/probes/round"
)

// Exit codes. A round that wrote its evidence is a success whatever it saw.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

const usage = `gpu-probe observes NVIDIA GPUs for katacert.

Usage:
  gpu-probe pause            wait until told to stop (the pod's main process)
  gpu-probe round [flags]    run the GPU probes of one round, print evidence
  gpu-probe hold [flags]     leave a token in all GPU memory and hold it

Run "gpu-probe round -h" for its flags.
`

// inventory are the GPU probes and, where they are asked for, the one that tells which
// GPUs a container has without the driver's word, and those by which the kernel that
// serves the GPU is told from the node's.
func inventory() []probes.Probe {
	all := append(gpu.Inventory(), management.Probe(nvml.New()), gpunode.Seen())
	for _, p := range kernel.Probes() {
		if p.ID == "boot-id" || p.ID == "uname" {
			p.OptIn = true
			all = append(all, p)
		}
	}
	return all
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = io.WriteString(stderr, usage)
		return exitUsage
	}
	var err error
	switch command, rest := args[0], args[1:]; command {
	case "pause":
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, unix.SIGTERM, unix.SIGINT)
		<-stop
	case "round":
		err = round.Run(rest, inventory(), stdout, stderr)
	case "hold":
		err = gpu.Hold(rest, stdout)
	case "help", "-h", "-help", "--help":
		_, _ = io.WriteString(stdout, usage)
	default:
		err = fmt.Errorf("%w: unknown command %q; run \"gpu-probe help\"", round.ErrUsage, command)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, round.ErrUsage):
		_, _ = fmt.Fprintf(stderr, "gpu-probe: %v\n", err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(stderr, "gpu-probe %s: %v\n", args[0], err)
		return exitFailed
	}
}
