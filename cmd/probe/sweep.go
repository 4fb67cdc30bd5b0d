package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/plant"
)

// sweep removes what the witnesses of a run left on the node and prints what it
// removed, one a line. It fails if anything is still there.
func sweep(args []string, stdout, stderr io.Writer) int {
	var hostRoot, run string
	var list bool
	flags := flag.NewFlagSet("probe sweep", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&hostRoot, "host-root", "", "where the node's root file system is mounted")
	flags.StringVar(&run, "run", "", "the run's id; nothing of other runs is touched")
	flags.BoolVar(&list, "list", false, "only print what is there, remove nothing")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stderr)
		flags.Usage()
		return exitOK
	case err != nil:
		return complain(stderr, exitUsage, "probe sweep: %v", err)
	case flags.NArg() > 0:
		return complain(stderr, exitUsage, "probe sweep: unexpected argument %q", flags.Arg(0))
	case hostRoot == "" || run == "":
		return complain(stderr, exitUsage, "probe sweep: --host-root and --run are required")
	}
	if list {
		return printLines(stdout, stderr, plant.Remains(hostRoot, run))
	}
	removed, err := plant.Sweep(hostRoot, run)
	code := printLines(stdout, stderr, removed)
	if err != nil {
		return complain(stderr, exitFailed, "probe sweep: %v", err)
	}
	return code
}

func printLines(stdout, stderr io.Writer, lines []string) int {
	if len(lines) == 0 {
		return exitOK
	}
	slices.Sort(lines)
	if _, err := fmt.Fprintln(stdout, strings.Join(lines, "\n")); err != nil {
		return complain(stderr, exitFailed, "probe sweep: print the result: %v", err)
	}
	return exitOK
}
