package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/helm"
	"github.com/katacert/katacert/fixtures/nvidia/deviceplugin"
)

func newGPUUninstall() *cobra.Command {
	return uninstallCommand(devicePlugin, &cobra.Command{
		Short: "Remove the device plugin again, and wait until nodes offer no GPU by it",
		Long: `Uninstall removes the Helm release and waits until the plugin's pods are gone and no
node offers nvidia.com/gpu or nvidia.com/mig-* any more. What stays is named with what
to do about it, and the exit code is 4. It is no error when there is nothing to remove.
A device plugin that came some other way, and the GPU Operator's, are left alone.`,
		Example: "  katacert gpu uninstall --context prod",
	}, (*deviceplugin.Client).Uninstall, func(out io.Writer, f *releaseFlags, removed *helm.Removed) error {
		said := "there is no release"
		if removed.Release {
			said = "removed release"
		}
		fmt.Fprintf(out, "%s %s/%s\n", said, f.namespace, f.release)
		return showRemoved(out, removed)
	})
}
