// Command trainer is a small training job for a pod: it writes a dataset into a
// volume, or trains on one and prints what it measured as evidence.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/katacert/katacert/fixtures/training"
)

// Exit codes.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

const usage = `trainer is a small training job for a pod under certification.

Usage:
  trainer dataset --dir DIR [flags]          write a dataset
  trainer train --data DIR --out DIR [flags] train, write a checkpoint, print evidence

Both take --block DEVICE in place of folders, for a volume without a file system.

Run "trainer dataset -h" or "trainer train -h" for the flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errUsage is a call that makes no sense.
var errUsage = errors.New("wrong usage")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = io.WriteString(stderr, usage)
		return exitUsage
	}
	var err error
	switch command, rest := args[0], args[1:]; command {
	case "dataset":
		err = dataset(rest, stdout, stderr)
	case "train":
		err = train(ctx, rest, stdout, stderr)
	case "help", "-h", "-help", "--help":
		_, _ = io.WriteString(stdout, usage)
	default:
		err = fmt.Errorf("%w: unknown command %q; run \"trainer help\"", errUsage, command)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintf(stderr, "trainer: %v\n", err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(stderr, "trainer: %v\n", err)
		return exitFailed
	}
}

func dataset(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("trainer dataset", flag.ContinueOnError)
	var folder training.Folder
	var device training.Device
	flags.StringVar(&folder.Data, "dir", "", "the folder to write the dataset into")
	flags.StringVar(&device.Path, "block", "", "a block device to write the dataset onto, in place of a folder; one that is not there is left to the training to report")
	seed := flags.Uint64("seed", 1, "equal seeds give equal datasets")
	samples := flags.Int("samples", 3000, "how many samples to write")
	if err := parse(flags, args, stderr); err != nil {
		return err
	}
	on, err := volume(flags, device, folder, folder.Data)
	if err != nil {
		return err
	}
	manifest, err := training.WriteDataset(on, *seed, *samples)
	if errors.Is(err, training.ErrNoDevice) {
		_, err = fmt.Fprintf(stdout, "wrote nothing: %v\n", err)
		return err
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "wrote %d samples, SHA-256 %s\n", manifest.Samples, manifest.SHA256)
	return err
}

// parse parses the flags.
func parse(flags *flag.FlagSet, args []string, stderr io.Writer) error {
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
			return err
		}
		return fmt.Errorf("%w of %s: %w", errUsage, flags.Name(), err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w of %s: unexpected argument %q", errUsage, flags.Name(), flags.Arg(0))
	}
	return nil
}

// volume is the device, or the folders where no device is named; those needed must
// not be empty.
func volume(flags *flag.FlagSet, device training.Device, folder training.Folder, needed ...string) (training.Volume, error) {
	switch {
	case device.Path != "" && folder != (training.Folder{}):
		return nil, fmt.Errorf("%w of %s: --block stands in place of folders", errUsage, flags.Name())
	case device.Path != "":
		return device, nil
	case slices.Contains(needed, ""):
		return nil, fmt.Errorf("%w of %s: a folder is not named; run \"%s -h\"", errUsage, flags.Name(), flags.Name())
	default:
		return folder, nil
	}
}
