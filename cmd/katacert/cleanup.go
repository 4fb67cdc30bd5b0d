package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/cluster/existing"
	"github.com/katacert/katacert/fixtures/cluster/kind"
	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/suites/certification"
)

func newCleanup() *cobra.Command {
	var f clusterFlags
	var run string
	var scale float64
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove what killed runs left behind",
		Long: `Cleanup removes what carries katacert's own labels and run ids, and nothing else.
By itself it clears the remains of local clusters whose process was killed, with --name
of that one alone. With --cluster kind it removes the kind clusters of killed runs, and
with --name also one that was kept. With --cluster existing it removes the namespaces of
runs from that cluster: of the run given by --run, which must not go on any more, or of
every run of this machine that was killed. It names the others.`,
		Example: "  katacert cleanup\n  katacert cleanup --cluster kind --name katacert-20260101-120000-1a2b3c4d\n  katacert cleanup --cluster existing --context prod --run 20260101-120000-1a2b3c4d",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.checkChoice(cmd); err != nil {
				return err
			}
			for _, name := range []string{"run", "timeout-scale"} {
				if f.provider != providerExisting && cmd.Flags().Changed(name) {
					return usagef("--%s goes with --cluster existing: choose a cluster of this machine by --name", name)
				}
			}
			if err := checkScale(scale); err != nil {
				return err
			}
			ctx := context.WithoutCancel(cmd.Context())
			out := cmd.OutOrStdout()
			if f.provider != providerExisting {
				swept, err := f.sweep(ctx)
				for _, what := range swept {
					fmt.Fprintln(out, "removed "+what)
				}
				if err == nil && len(swept) == 0 {
					fmt.Fprintln(out, "nothing was left behind")
				}
				return err
			}
			c, err := existing.Open(f.kubeconfig, f.context)
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(c.RESTConfig())
			if err != nil {
				return fmt.Errorf("make a client for cluster %s: %w", c.Name(), err)
			}
			found, err := certification.Remove(ctx, client, run, certification.DefaultTimeouts(scale).Cleanup)
			if err != nil {
				return err
			}
			for _, what := range found.Runs {
				fmt.Fprintln(out, "removed run "+what)
			}
			for _, what := range found.Others {
				fmt.Fprintf(out, "run %s goes on, or is of another machine: if it has ended, remove it with --run %s\n", what, what)
			}
			switch {
			case len(found.Left) > 0:
				fmt.Fprintln(out, "left: "+strings.Join(found.Left, "\nleft: "))
				return &outcomeError{exitLeftovers}
			case len(found.Runs) == 0 && run != "":
				fmt.Fprintf(out, "of run %s nothing was left behind\n", run)
			case len(found.Runs) == 0 && len(found.Others) == 0:
				fmt.Fprintln(out, "nothing was left behind")
			}
			return nil
		},
	}
	f.registerChoice(cmd)
	cmd.Flags().StringVar(&run, "run", "", "only this run (default: every run of this machine that was killed)")
	cmd.Flags().Float64Var(&scale, "timeout-scale", 1, "factor for every time-out, for slow clusters")
	return cmd
}

// sweep removes the clusters that killed runs left on this machine.
func (f *clusterFlags) sweep(ctx context.Context) ([]string, error) {
	name := ""
	if f.named {
		name = f.name
	}
	if f.provider == providerLocal {
		swept, err := local.Sweep(name)
		for i, name := range swept {
			swept[i] = "what was left of local cluster " + name
		}
		return swept, err
	}
	return kind.Sweep(ctx, name)
}
