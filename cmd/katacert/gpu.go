package main

import (
	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/nvidia/deviceplugin"
)

func newGPU() *cobra.Command {
	return group(&cobra.Command{
		Use:   "gpu",
		Short: "Install NVIDIA's device plugin on a cluster, show what there is of GPUs, and remove it",
		Long: `Gpu puts NVIDIA's device plugin on the nodes of an existing cluster by its own Helm
chart, pinned by version and digest, and takes it away again. Where a device plugin or
the GPU Operator is there already, status shows what certify can use. Neither helm nor
kubectl is needed; helm understands the release.

The device plugin gives GPUs to plain containers and to gVisor. Whole GPUs for Kata's
virtual machines come from NVIDIA's sandbox device plugin, which the GPU Operator
installs: that one is used as it is found.

Exit codes:
  0  done
  2  usage: an unknown flag or value, a chart or image that is not the one demanded,
     a release or a device plugin that is there already
  3  the cluster failed: unreachable, permissions missing, no GPU was found
  4  removed, but something stayed on a node`,
		Example: `  katacert gpu status --context prod
  katacert gpu install --context prod --runtime-class nvidia
  katacert gpu uninstall --context prod`,
	}, newGPUInstall(), newGPUStatus(), newGPUUninstall())
}

// devicePlugin is NVIDIA's.
var devicePlugin = software[*deviceplugin.Client]{deviceplugin.DefaultRelease, deviceplugin.DefaultTimeouts, deviceplugin.New}
