package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster"
)

// official stands for an installation as its own command makes it when it is told
// nothing.
const official = "official"

// notForKind are fields of the commands that install, by which a cluster of the run's
// own leaves nothing to choose.
var notForKind = []string{"kubeconfig", "context", "timeout-scale", "dry-run", "upgrade", "keep-on-failure"}

// installationFile reads what to install from a file whose fields are named as the
// flags of `katacert NAME install`.
func installationFile(name string, register func(*cobra.Command), file string) error {
	cmd := &cobra.Command{Use: "install"}
	group(&cobra.Command{Use: "katacert"}, group(&cobra.Command{Use: name}, cmd))
	register(cmd)
	if file != official {
		if err := applyConfig(cmd, file); err != nil {
			return err
		}
	}
	for _, field := range notForKind {
		if cmd.Flags().Changed(field) {
			return usagef("configuration file %s: field %q says nothing for a kind cluster of the run's own", file, field)
		}
	}
	return nil
}

// orGiveUp gives up a cluster of the run's own where an installation failed: the logs
// of its nodes say more.
func orGiveUp(ctx context.Context, c cluster.Cluster, err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(asUsage(err), c.Close(context.WithoutCancel(ctx)))
}
