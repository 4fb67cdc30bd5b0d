package main

import (
	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/nvidia/simulated"
	"github.com/katacert/katacert/fixtures/pods"
)

// gpuFlags say by which resource pods ask for GPUs, and ask for GPUs that the nodes
// of a local cluster pretend to have.
type gpuFlags struct {
	gpus local.SimulatedGPUs
}

func (f *gpuFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.gpus.Count, "simulated-gpus", 0, "GPUs that each node of the local cluster pretends to have: they are scheduled, allocated and accounted for as real ones, and compute nothing")
	flags.StringVar(&f.gpus.Resource, "gpu-resource", simulated.DefaultResource, "extended resource by which pods ask for GPUs, for example "+pods.PassedOnGPUResource+" where they are passed to virtual machines")
}

func (f *gpuFlags) check(cmd *cobra.Command) error {
	if err := simulated.ValidateResource(f.gpus.Resource); err != nil {
		return usagef("--gpu-resource: %v", err)
	}
	if !cmd.Flags().Changed("simulated-gpus") {
		return nil
	}
	if f.gpus.Count == 0 {
		return usagef("--simulated-gpus 0: choose 1 to %d, or leave it out", simulated.MaxGPUs)
	}
	if err := f.gpus.Validate(0); err != nil {
		return usagef("--simulated-gpus: %v", err)
	}
	return nil
}
