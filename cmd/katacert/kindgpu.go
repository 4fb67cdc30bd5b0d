package main

import (
	"context"
	"fmt"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/kind"
	"github.com/katacert/katacert/fixtures/nvidia/deviceplugin"
	"github.com/katacert/katacert/reports/terminal"
)

// gpuInstallation reads what --install-gpu-plugin installs. In a node with NVIDIA's
// runtime, as the configuration nvidia has it, the plugin needs that runtime to reach
// the driver, and asks containerd for devices by CDI.
func gpuInstallation(file string, config *kind.Config) (*gpuInstallFlags, error) {
	f := &gpuInstallFlags{}
	if err := installationFile("gpu", f.registerInstall, file); err != nil {
		return nil, err
	}
	if v := &f.what.Values; file == official && config.NVIDIA() {
		v.RuntimeClass, v.DriverRoot, v.ListStrategy, v.CDIHook = kind.HandlerNVIDIA, "/", []string{"cdi-cri"}, "/usr/bin/nvidia-cdi-hook"
	}
	return f, asUsage(f.complete())
}

// prepareGPU makes sure of chart and image before a cluster is brought up for them.
func prepareGPU(ctx context.Context, file string, config *kind.Config) (*gpuInstallFlags, error) {
	f, err := gpuInstallation(file, config)
	if err != nil {
		return nil, err
	}
	if _, err := deviceplugin.Render(ctx, f.namespace, f.release, f.what); err != nil {
		return nil, asUsage(fmt.Errorf("look for what --install-gpu-plugin installs: %w", err))
	}
	return f, nil
}

// installGPU installs the device plugin into a cluster of the run's own.
func (f *gpuInstallFlags) installGPU(ctx context.Context, c cluster.Cluster, scale float64, progress *terminal.Progress) error {
	progress.Phase("", "install NVIDIA's device plugin")
	client, err := devicePlugin.on(c.RESTConfig(), &f.releaseFlags, scale, progress)
	if err == nil {
		_, err = client.Install(ctx, f.what)
	}
	return orGiveUp(ctx, c, err)
}
