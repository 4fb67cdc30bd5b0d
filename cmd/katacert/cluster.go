package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/specs"
)

func newCluster() *cobra.Command {
	return group(&cobra.Command{
		Use:   "cluster",
		Short: "Bring up and take down embedded local clusters",
		Long: `The embedded cluster is a real Kubernetes (API server, etcd, kubelet, containerd)
with runc and gVisor, and with Kata where /opt/kata and a usable /dev/kvm are
found. It lives in namespaces of its own and is reached on 127.0.0.1 alone. Its
programs are built from Go modules the first time, and kept.`,
		Example: `  katacert cluster up --name demo
  katacert cluster status
  katacert cluster down --name demo`,
	}, newClusterUp(), newClusterStatus(), newClusterDown())
}

func nameFlag(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "name", local.DefaultName, "name of the cluster")
}

func newClusterUp() *cobra.Command {
	f := clusterFlags{provider: providerLocal}
	var scale float64
	cmd := &cobra.Command{
		Use:     "up",
		Short:   "Bring up a local cluster and leave it running",
		Example: "  katacert cluster up\n  katacert cluster up --simulated-gpus 2\n  katacert cluster up --vm-node --kata-archive kata-go-static-4.1.0-amd64.tar.zst --kata-digest sha256:…\n  eval \"$(katacert cluster up --name demo)\" && ginkgo ./suites/...",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkScale(scale); err != nil {
				return err
			}
			if err := local.ValidateName(f.name); err != nil {
				return usagef("--name: %v", err)
			}
			if err := f.vm.check(cmd); err != nil {
				return err
			}
			if cmd.Flags().Changed("gpu-resource") && !cmd.Flags().Changed("simulated-gpus") {
				return usagef("--gpu-resource goes with --simulated-gpus")
			}
			if err := f.gpu.check(cmd); err != nil {
				return err
			}
			progress := terminal.NewProgress(cmd.ErrOrStderr(), isTerminal(cmd.ErrOrStderr()))
			defer progress.Stop()
			progress.Phase("", "build the images")
			set, err := images.Build(cmd.Context(), images.Options{Progress: notes{progress}})
			if err != nil {
				return err
			}
			progress.Phase("", "bring up the cluster")
			c, err := f.openLocal(cmd.Context(), set, true, scale, progress)
			if err != nil {
				return err
			}
			refs, err := bringImages(cmd.Context(), c, set, "", false, false)
			if err != nil {
				return giveUp(cmd.Context(), c, f.name, err)
			}
			progress.Stop()
			out := cmd.OutOrStdout()
			for _, variable := range [][2]string{
				{"KUBECONFIG", c.Kubeconfig()}, {specs.EnvKubeconfig, c.Kubeconfig()},
				{specs.EnvProbeImage, refs["probe"]}, {specs.EnvTrainerImage, refs["trainer"]},
			} {
				fmt.Fprintf(out, "export %s=%s\n", variable[0], variable[1])
			}
			return nil
		},
	}
	nameFlag(cmd, &f.name)
	f.vm.register(cmd)
	f.gpu.register(cmd)
	cmd.Flags().Float64Var(&scale, "timeout-scale", 1, "factor for every time-out, for slow machines")
	return cmd
}

func newClusterStatus() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "List the local clusters of this machine",
		Example: "  katacert cluster status",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			clusters, err := local.List()
			if err != nil {
				return err
			}
			if len(clusters) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "no local cluster")
				return nil
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tSTATE\tMEMORY\tSTARTED\tNODES\tKUBECONFIG")
			for _, c := range clusters {
				fmt.Fprintf(table, "%s\t%s\t%d MiB\t%s\t%s\t%s\n", c.Name, c.Phase, c.Memory>>20, c.Started.Format(time.DateTime), nodesText(c.Nodes), c.Kubeconfig)
			}
			return table.Flush()
		},
	}
}

// nodesText lists the nodes, what virtual machine one is in, and simulated GPUs.
func nodesText(nodes []local.NodeStatus) string {
	var texts []string
	for _, n := range nodes {
		text := n.Name
		if n.Machine != "" {
			text += " (virtual machine: " + n.Machine + ")"
		}
		if n.SimulatedGPUs > 0 {
			text += fmt.Sprintf(" (simulated GPUs: %d)", n.SimulatedGPUs)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func newClusterDown() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "down",
		Short:   "Take a local cluster down and remove everything of it",
		Example: "  katacert cluster down --name demo",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := local.ValidateName(name); err != nil {
				return usagef("--name: %v", err)
			}
			return local.Down(context.WithoutCancel(cmd.Context()), name)
		},
	}
	nameFlag(cmd, &name)
	return cmd
}

// giveUp takes down a cluster that was brought up for nothing. One that ran before goes on.
func giveUp(ctx context.Context, c cluster.Cluster, name string, cause error) error {
	if before, ok := c.(interface{ Reused() bool }); ok && before.Reused() {
		return fmt.Errorf("%w; the local cluster %s goes on running", cause, name)
	}
	if err := local.Down(context.WithoutCancel(ctx), name); err != nil {
		return fmt.Errorf("%w; the local cluster %s could not be taken down again: %w", cause, name, err)
	}
	return fmt.Errorf("%w; the local cluster %s was taken down again", cause, name)
}
