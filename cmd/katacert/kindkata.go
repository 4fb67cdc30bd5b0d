package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/helm"
	"github.com/katacert/katacert/fixtures/kata"
	"github.com/katacert/katacert/reports/terminal"
)

// officialKata stands for an installation of Kata as `katacert kata install` makes it
// when it is told nothing.
const officialKata = "official"

// notForKind are fields of `katacert kata install` that a cluster of the run's own
// leaves nothing to choose by.
var notForKind = []string{"kubeconfig", "context", "timeout-scale", "dry-run", "upgrade", "keep-on-failure"}

// kataInstallation reads what to install from a file whose fields are named as the
// flags of `katacert kata install`.
func kataInstallation(file string) (*kataInstallFlags, error) {
	f, cmd := &kataInstallFlags{}, &cobra.Command{Use: "install"}
	group(&cobra.Command{Use: "katacert"}, group(&cobra.Command{Use: "kata"}, cmd))
	f.register(cmd)
	f.registerInstall(cmd)
	if file != officialKata {
		if err := applyConfig(cmd, file); err != nil {
			return nil, err
		}
	}
	for _, name := range notForKind {
		if cmd.Flags().Changed(name) {
			return nil, usagef("configuration file %s: field %q says nothing for a kind cluster of the run's own", file, name)
		}
	}
	return f, asUsage(f.complete())
}

// prepareKata makes sure of chart and image before a cluster is brought up for them.
func prepareKata(ctx context.Context, file string) (*kataInstallFlags, error) {
	f, err := kataInstallation(file)
	if err != nil {
		return nil, err
	}
	if _, err := kata.Render(ctx, f.namespace, f.release, f.options); err != nil {
		return nil, asUsage(fmt.Errorf("look for what --install-kata installs: %w", err))
	}
	return f, nil
}

// installKata installs Kata into a cluster of the run's own, which is given up where
// that fails: the logs of its nodes say more.
func (f *kataInstallFlags) installKata(ctx context.Context, c cluster.Cluster, scale float64, progress *terminal.Progress) error {
	progress.Phase("", "install Kata Containers")
	client, err := kata.New(c.RESTConfig(), helm.Options{
		Namespace: f.namespace, Release: f.release, Timeouts: kata.DefaultTimeouts(scale),
		Progress: func(text string) { progress.Phase("", text) },
	})
	if err == nil {
		_, err = client.Install(ctx, f.options)
	}
	if err == nil {
		return nil
	}
	return errors.Join(asUsage(err), c.Close(context.WithoutCancel(ctx)))
}
