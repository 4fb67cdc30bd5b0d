package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/fixtures/cluster/existing"
	"github.com/katacert/katacert/fixtures/helm"
	"github.com/katacert/katacert/reports/terminal"
)

// software is what a Helm chart puts on a cluster, by a client C of its own. Its
// commands (install, status, uninstall) are the same but for what they are told and
// what they show.
type software[C any] struct {
	// release is what the Helm release is called unless told otherwise.
	release  string
	timeouts func(scale float64) helm.Timeouts
	client   func(*rest.Config, helm.Options) (C, error)
}

// on makes a client of a cluster. What is waited for is told on standard error.
func (s software[C]) on(config *rest.Config, f *releaseFlags, scale float64, progress *terminal.Progress) (C, error) {
	return s.client(config, helm.Options{
		Namespace: f.namespace, Release: f.release, Timeouts: s.timeouts(scale),
		Progress: func(text string) { progress.Phase("", text) },
	})
}

// open reaches the cluster that the flags name.
func (s software[C]) open(f *releaseFlags, progress *terminal.Progress) (client C, err error) {
	c, err := existing.Open(f.kubeconfig, f.context)
	if err != nil {
		return client, err
	}
	return s.on(c.RESTConfig(), f, f.scale, progress)
}

// change does on the cluster what takes time, and tells of its progress.
func change[C, T any](cmd *cobra.Command, s software[C], f *releaseFlags, do func(C, context.Context) (T, error)) (done T, err error) {
	progress := terminal.NewProgress(cmd.ErrOrStderr(), isTerminal(cmd.ErrOrStderr()))
	defer progress.Stop()
	client, err := s.open(f, progress)
	if err != nil {
		return done, err
	}
	done, err = do(client, cmd.Context())
	return done, asUsage(err)
}

// installation is what the command install does with its flags, once they are read.
type installation[C, T any] struct {
	// complete reads what the flags only name, and refuses what cannot be.
	complete func() error
	// render gives what would be applied, without a cluster.
	render  func(ctx context.Context, namespace, release string) (*helm.Rendered, error)
	install func(C, context.Context) (T, error)
	show    func(io.Writer, T)
}

// installCommand makes the command install of cmd, which says what it is and has its
// flags already.
func installCommand[C, T any](s software[C], cmd *cobra.Command, f *releaseFlags, dryRun *bool, i installation[C, T]) *cobra.Command {
	cmd.Use, cmd.Args = "install", noArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(cmd); err != nil {
			return err
		}
		if err := i.complete(); err != nil {
			return asUsage(err)
		}
		if *dryRun {
			rendered, err := i.render(cmd.Context(), f.namespace, f.release)
			if err != nil {
				return asUsage(err)
			}
			showRendered(cmd, rendered)
			return nil
		}
		done, err := change(cmd, s, f, i.install)
		if err != nil {
			return err
		}
		i.show(cmd.OutOrStdout(), done)
		return nil
	}
	return cmd
}

// statusCommand makes the command status of cmd, which says what it is.
func statusCommand[C, T any](s software[C], cmd *cobra.Command, status func(C, context.Context) (T, error), show func(io.Writer, T) error) *cobra.Command {
	f, output, outputs := &releaseFlags{}, "", []string{"text", "json"}
	cmd.Use, cmd.Args = "status", noArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(cmd); err != nil {
			return err
		}
		if !slices.Contains(outputs, output) {
			return usagef("unknown --output %q: choose text or json", output)
		}
		client, err := s.open(f, terminal.NewProgress(io.Discard, false))
		if err != nil {
			return err
		}
		found, err := status(client, cmd.Context())
		if err != nil {
			return asUsage(err)
		}
		if output == "json" {
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			return encoder.Encode(found)
		}
		return show(cmd.OutOrStdout(), found)
	}
	f.register(cmd, s.release)
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", completions(outputs))
	return cmd
}

// uninstallCommand makes the command uninstall of cmd, which says what it is. What went
// besides the release, and what did not, is for show to tell.
func uninstallCommand[C, T any](s software[C], cmd *cobra.Command, uninstall func(C, context.Context) (T, error), show func(io.Writer, *releaseFlags, T) error) *cobra.Command {
	f := &releaseFlags{}
	cmd.Use, cmd.Args = "uninstall", noArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(cmd); err != nil {
			return err
		}
		removed, err := change(cmd, s, f, uninstall)
		if err != nil {
			return err
		}
		return show(cmd.OutOrStdout(), f, removed)
	}
	f.register(cmd, s.release)
	return cmd
}
