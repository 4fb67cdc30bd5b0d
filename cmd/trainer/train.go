package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/fixtures/training"
	"github.com/katacert/katacert/probes/evidence"
)

// Environment variables by which the pod's spec tells the trainer where it is
// (downward API).
const (
	envPodUID = "KATACERT_POD_UID"
	envNode   = "KATACERT_NODE"
)

// train runs the job and prints its evidence. Standard output and error of a
// container arrive in one log, so nothing else is printed unless it fails.
func train(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	job := training.Job{Parameters: training.Defaults()}
	var folder training.Folder
	var device training.Device
	flags := flag.NewFlagSet("trainer train", flag.ContinueOnError)
	flags.StringVar(&folder.Data, "data", "", "the folder of the dataset")
	flags.StringVar(&folder.Out, "out", "", "the folder for the checkpoint")
	flags.StringVar(&device.Path, "block", "", "a block device that has the dataset and takes the checkpoint, in place of the folders")
	flags.Uint64Var(&job.Seed, "seed", job.Seed, "equal seeds give equal checkpoints on one architecture")
	flags.IntVar(&job.Epochs, "epochs", job.Epochs, "how often each sample is used")
	flags.IntVar(&job.BatchSize, "batch", job.BatchSize, "samples for each step")
	flags.Float64Var(&job.Rate, "rate", job.Rate, "the learning rate")
	nonce := flags.String("nonce", "", "the nonce to repeat in the evidence")
	vantage := flags.String("vantage", string(evidence.Trainer), "the vantage to name in the evidence")
	hold := flags.Bool("hold", false, "stay after training until SIGTERM, so that the pod can be looked at")
	if err := parse(flags, args, stderr); err != nil {
		return err
	}
	var err error
	if job.Volume, err = volume(flags, device, folder, folder.Data, folder.Out); err != nil {
		return err
	}
	if err := job.Validate(); err != nil {
		return fmt.Errorf("%w of trainer train: %w", errUsage, err)
	}
	result, err := job.Run(ctx)
	var seen evidence.Observation
	switch {
	case errors.Is(err, training.ErrNoDevice):
		seen = evidence.Observation{Probe: "training", State: evidence.Absent, Detail: err.Error()}
	case err != nil:
		return err
	default:
		seen = observation(job, result)
	}
	claim := evidence.Claim{
		Nonce:   *nonce,
		Vantage: evidence.Vantage(*vantage),
		Round:   evidence.Look,
		PodUID:  os.Getenv(envPodUID),
		Node:    os.Getenv(envNode),
	}
	cpuMicros, err := cpuTime()
	if err != nil {
		return err
	}
	if err := evidence.Write(stdout, claim, []evidence.Observation{seen}, cpuMicros); err != nil {
		return err
	}
	if *hold {
		<-ctx.Done()
	}
	return nil
}

// cpuTime is what the process has used so far, user and system, in microseconds.
func cpuTime() (int64, error) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("read the CPU time used (getrusage): %w", err)
	}
	return (usage.Utime.Nano() + usage.Stime.Nano()) / 1000, nil
}
