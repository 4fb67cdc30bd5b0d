package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/nvidia/deviceplugin"
	"github.com/katacert/katacert/reports/terminal"
)

func newGPUUninstall() *cobra.Command {
	f := &releaseFlags{}
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove the device plugin again, and wait until nodes offer no GPU by it",
		Long: `Uninstall removes the Helm release and waits until the plugin's pods are gone and no
node offers nvidia.com/gpu or nvidia.com/mig-* any more. What stays is named with what
to do about it, and the exit code is 4. It is no error when there is nothing to remove.
A device plugin that came some other way, and the GPU Operator's, are left alone.`,
		Example: "  katacert gpu uninstall --context prod",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			progress := terminal.NewProgress(cmd.ErrOrStderr(), isTerminal(cmd.ErrOrStderr()))
			defer progress.Stop()
			client, err := f.openGPU(progress)
			if err != nil {
				return err
			}
			removed, err := client.Uninstall(cmd.Context())
			progress.Stop()
			if err != nil {
				return asUsage(err)
			}
			out := cmd.OutOrStdout()
			if removed.Release {
				fmt.Fprintf(out, "removed release %s/%s\n", f.namespace, f.release)
			} else {
				fmt.Fprintf(out, "there is no release %s/%s\n", f.namespace, f.release)
			}
			return f.showRemoved(out, removed)
		},
	}
	f.register(cmd, deviceplugin.DefaultRelease)
	return cmd
}
