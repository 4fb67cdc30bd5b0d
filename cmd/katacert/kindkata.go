package main

import (
	"context"
	"fmt"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/kata"
	"github.com/katacert/katacert/reports/terminal"
)

// kataInstallation reads what --install-kata installs.
func kataInstallation(file string) (*kataInstallFlags, error) {
	f := &kataInstallFlags{}
	if err := installationFile("kata", f.registerInstall, file); err != nil {
		return nil, err
	}
	return f, asUsage(f.complete())
}

// prepareKata makes sure of chart and image before a cluster is brought up for them.
func prepareKata(ctx context.Context, file string) (*kataInstallFlags, error) {
	f, err := kataInstallation(file)
	if err != nil {
		return nil, err
	}
	if _, err := kata.Render(ctx, f.namespace, f.release, f.what); err != nil {
		return nil, asUsage(fmt.Errorf("look for what --install-kata installs: %w", err))
	}
	return f, nil
}

// installKata installs Kata into a cluster of the run's own.
func (f *kataInstallFlags) installKata(ctx context.Context, c cluster.Cluster, scale float64, progress *terminal.Progress) error {
	progress.Phase("", "install Kata Containers")
	client, err := kataContainers.on(c.RESTConfig(), &f.releaseFlags, scale, progress)
	if err == nil {
		_, err = client.Install(ctx, f.what)
	}
	return orGiveUp(ctx, c, err)
}
