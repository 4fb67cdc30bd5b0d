package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster/existing"
	"github.com/katacert/katacert/fixtures/helm"
	"github.com/katacert/katacert/fixtures/kata"
	"github.com/katacert/katacert/reports/terminal"
)

func newKata() *cobra.Command {
	return group(&cobra.Command{
		Use:   "kata",
		Short: "Install Kata Containers on a cluster, show it, and remove it",
		Long: `Kata puts Kata Containers on the nodes of an existing cluster by the project's own
Helm chart, pinned by version and digest, and takes it away again. Where Kata is
there already, status shows what certify can use. Neither helm nor kubectl is
needed; helm understands the release.

Exit codes:
  0  done
  2  usage: an unknown flag or value, a chart or image that is not the one demanded,
     a release or a Kata that is there already
  3  the cluster failed: unreachable, permissions missing, Kata did not become ready
  4  removed, but something stayed on a node`,
		Example: `  katacert kata status --context prod
  katacert kata install --context prod
  katacert kata uninstall --context prod`,
	}, newKataInstall(), newKataStatus(), newKataUninstall())
}

// kataFlags choose the cluster and the release.
type kataFlags struct {
	kubeconfig, context, namespace, release, config string
	scale                                           float64
}

func (f *kataFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster (default: $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig (default: its current one)")
	flags.StringVar(&f.namespace, "namespace", kata.DefaultNamespace, "namespace of the Helm release")
	flags.StringVar(&f.release, "release", kata.DefaultRelease, "name of the Helm release")
	flags.StringVar(&f.config, "config", "", "YAML file with fields named as these flags; flags win")
	flags.Float64Var(&f.scale, "timeout-scale", 1, "factor for every time-out, for slow clusters")
}

func (f *kataFlags) check(cmd *cobra.Command) error {
	if f.config != "" {
		if err := applyConfig(cmd, f.config); err != nil {
			return err
		}
	}
	return checkScale(f.scale)
}

// open reaches the cluster. What is waited for is told on standard error.
func (f *kataFlags) open(progress *terminal.Progress) (*kata.Client, error) {
	c, err := existing.Open(f.kubeconfig, f.context)
	if err != nil {
		return nil, err
	}
	return kata.New(c.RESTConfig(), helm.Options{
		Namespace: f.namespace, Release: f.release, Timeouts: kata.DefaultTimeouts(f.scale),
		Progress: func(text string) { progress.Phase("", text) },
	})
}

// asUsage gives mistakes in what was asked for the exit code of wrong usage.
func asUsage(err error) error {
	var input *helm.InputError
	if errors.As(err, &input) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return err
}
