package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/existing"
	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
)

// The providers of clusters.
const (
	providerLocal    = "local"
	providerExisting = "existing"
)

// clusterFlags choose a cluster.
type clusterFlags struct {
	provider, name, kubeconfig, context string
}

func (f *clusterFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.provider, "cluster", providerLocal, "where to certify: local (an embedded cluster) or existing")
	flags.StringVar(&f.name, "name", local.DefaultName, "name of the local cluster")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the existing cluster (default: $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig (default: its current one)")
	_ = cmd.RegisterFlagCompletionFunc("cluster", cobra.FixedCompletions([]string{providerLocal, providerExisting}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *clusterFlags) check(cmd *cobra.Command) error {
	if !slices.Contains([]string{providerLocal, providerExisting}, f.provider) {
		return usagef("unknown --cluster %q: choose %s or %s", f.provider, providerLocal, providerExisting)
	}
	if f.provider == providerLocal && (cmd.Flags().Changed("kubeconfig") || cmd.Flags().Changed("context")) {
		return usagef("--kubeconfig and --context go with --cluster existing, the local cluster brings its own")
	}
	if f.provider == providerExisting && cmd.Flags().Changed("name") {
		return usagef("--name goes with --cluster local; choose an existing cluster by --context")
	}
	return nil
}

// open reaches the chosen cluster. A local cluster that does not run yet is
// brought up and goes away when it is closed, unless keep is set.
func (f *clusterFlags) open(ctx context.Context, set *images.Set, keep bool, progress io.Writer) (cluster.Cluster, error) {
	if f.provider == providerExisting {
		return existing.Open(f.kubeconfig, f.context)
	}
	pause, err := set.Image("pause", hostArch())
	if err != nil {
		return nil, err
	}
	return local.Up(ctx, local.Options{Name: f.name, PauseImage: pause, Ephemeral: !keep, Progress: func(line string) { _, _ = io.WriteString(progress, line+"\n") }})
}

// pushImages puts katacert's images where the cluster's nodes can pull them and
// returns their references by digest.
func pushImages(ctx context.Context, c cluster.Cluster, set *images.Set, prefix string, insecure bool) (map[string]string, error) {
	if registry, ok := c.(cluster.Registry); ok {
		return images.Push(ctx, set, images.PushOptions{Prefix: registry.RegistryPrefix(), Transport: registry.RegistryTransport(), Insecure: true})
	}
	if prefix == "" {
		return nil, usagef("an existing cluster needs --image-registry PREFIX, from which its nodes can pull katacert's images (%s)", strings.Join(images.Names(), ", "))
	}
	refs, err := images.Push(ctx, set, images.PushOptions{Prefix: prefix, Insecure: insecure})
	if err != nil {
		return nil, fmt.Errorf("bring katacert's images to the cluster: %w", err)
	}
	return refs, nil
}
