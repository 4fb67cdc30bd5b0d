package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options are the parsed arguments.
type options struct {
	command, folder string
	id              string
	programs        string
	out             string
	libraries       []string
	rounds          int
	stepTime, all   time.Duration
	driverVersion   string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		o.command = args[0]
		if o.command != "judge" && o.command != "pack" {
			return o, fmt.Errorf("unknown command %q", o.command)
		}
		if len(args) != 2 {
			return o, fmt.Errorf("%s takes one folder", o.command)
		}
		o.folder = args[1]
		return o, nil
	}
	flags := flag.NewFlagSet("gpu-test", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.programs, "programs", "", "a `folder` with gpu-probe, runc and runsc, or NAME.zst; else gpu-probe from beside gpu-test, and the runtimes of the local cluster, built where they are not there yet")
	flags.StringVar(&o.out, "out", "", "the `folder` for evidence and report (reports/<run id>)")
	flags.Func("libraries", "a `folder` in which the driver's libraries are looked for first, repeatable", func(folder string) error {
		o.libraries = append(o.libraries, folder)
		return nil
	})
	flags.IntVar(&o.rounds, "rounds", 3, "how many short rounds measure at each place, one container after the other")
	flags.DurationVar(&o.stepTime, "step-timeout", time.Minute, "how long each process may take")
	flags.DurationVar(&o.all, "timeout", 15*time.Minute, "how long everything may take")
	flags.StringVar(&o.driverVersion, "nvproxy-driver-version", "", "the driver version that runsc's proxy is told; else the driver's own, or the nearest one that the proxy knows")
	flags.StringVar(&o.id, "run", "", "the run's id; one is made otherwise")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			_, _ = io.WriteString(stderr, usage)
			flags.SetOutput(stderr)
			flags.PrintDefaults()
		}
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.rounds < 1 || o.rounds > 100 {
		return o, fmt.Errorf("--rounds %d is not between 1 and 100", o.rounds)
	}
	if o.stepTime <= 0 || o.all <= 0 {
		return o, errors.New("time-outs are above 0")
	}
	if strings.Trim(o.id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return o, fmt.Errorf("--run %q is not made of lower-case letters, digits and hyphens", o.id)
	}
	return o, nil
}

// newID makes a run id: the time, sortable, and 32 random bits.
func newID() (string, error) {
	random := make([]byte, 4)
	_, err := rand.Read(random)
	return time.Now().UTC().Format("20060102-150405") + "-gpu-" + hex.EncodeToString(random), err
}
