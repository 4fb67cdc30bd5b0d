package main

import (
	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster/local"
)

// vmFlags ask for a local cluster's node in a virtual machine.
type vmFlags struct {
	node bool
	vm   local.VM
}

// vmFlagNames are all of them but the first, without which they mean nothing.
var vmFlagNames = []string{"vm-memory", "vm-cpus", "kata-archive", "kata-digest", "kata-config", "kata-no-annotations"}

func (f *vmFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.node, "vm-node", false, "a further node of the local cluster, in a virtual machine: Debian with cgroup v2 and a kernel of its own; emulated where KVM does not work")
	flags.StringVar(&f.vm.Memory, "vm-memory", "", "its memory, such as 6Gi (default: 4Gi, with Kata 10Gi)")
	flags.IntVar(&f.vm.CPUs, "vm-cpus", 0, "its processors (default: 2; with Kata up to 4 where there are as many, and 1 where it is emulated)")
	flags.StringVar(&f.vm.KataArchive, "kata-archive", "", "file or URL of a release archive of Kata Containers (kata-static or kata-go-static, .tar.zst or .tar.xz) to install in it")
	flags.StringVar(&f.vm.KataDigest, "kata-digest", "", "sha256:… of that archive, required with it")
	flags.BoolVar(&f.vm.KataUnannotated, "kata-no-annotations", false, "let containerd pass no annotations of pods on to Kata, as a hardened node does")
	flags.StringVar(&f.vm.KataConfig, "kata-config", "", "TOML file that is put into config.d of every Kata handler")
}

func (f *vmFlags) check(cmd *cobra.Command) error {
	if !f.node {
		for _, name := range vmFlagNames {
			if cmd.Flags().Changed(name) {
				return usagef("--%s goes with --vm-node, the node in a virtual machine", name)
			}
		}
		return nil
	}
	if err := f.vm.Validate(); err != nil {
		return usagef("%v", err)
	}
	return nil
}

// options are nil where no such node is asked for.
func (f *vmFlags) options() *local.VM {
	if !f.node {
		return nil
	}
	return &f.vm
}
