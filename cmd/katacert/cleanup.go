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
runs from that cluster: of the run given by --run, or of every run.`,
		Example: "  katacert cleanup\n  katacert cleanup --cluster kind --name katacert-20260101-120000-1a2b3c4d\n  katacert cleanup --cluster existing --context prod --run 20260101-120000-1a2b3c4d",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
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
			removed, left, err := certification.Remove(ctx, client, run, certification.DefaultTimeouts(scale).Cleanup)
			if err != nil {
				return err
			}
			for _, what := range removed {
				fmt.Fprintln(out, "removed run "+what)
			}
			if len(left) > 0 {
				fmt.Fprintln(out, "left: "+strings.Join(left, "\nleft: "))
				return &outcomeError{exitLeftovers}
			}
			if len(removed) == 0 {
				fmt.Fprintln(out, "nothing was left behind")
			}
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&run, "run", "", "only this run (default: every run)")
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
