package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/existing"
	"github.com/katacert/katacert/fixtures/cluster/kind"
	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/certification"
)

// The providers of clusters.
const (
	providerLocal    = "local"
	providerKind     = "kind"
	providerExisting = "existing"
)

var providers = []string{providerLocal, providerKind, providerExisting}

// clusterFlags choose a cluster.
type clusterFlags struct {
	provider, name, kubeconfig, context string
	// named says that the name was given, and is not the default.
	named bool
	vm    vmFlags
	gpu   gpuFlags
}

func (f *clusterFlags) register(cmd *cobra.Command) {
	f.registerChoice(cmd)
	f.vm.register(cmd)
	f.gpu.register(cmd)
}

// registerChoice adds the flags that name a cluster, without those of what it is made of.
func (f *clusterFlags) registerChoice(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.provider, "cluster", providerLocal, "where to certify: local (an embedded cluster), kind (containers are its nodes) or existing")
	flags.StringVar(&f.name, "name", local.DefaultName, "name of the local cluster, or of the kind cluster (default there: katacert-RUN)")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the existing cluster (default: $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig (default: its current one)")
	_ = cmd.RegisterFlagCompletionFunc("cluster", cobra.FixedCompletions(providers, cobra.ShellCompDirectiveNoFileComp))
}

func (f *clusterFlags) check(cmd *cobra.Command) error {
	if err := f.checkChoice(cmd); err != nil {
		return err
	}
	if f.provider != providerLocal && f.vm.node {
		return usagef("--vm-node goes with --cluster local")
	}
	if f.provider != providerLocal && f.gpu.gpus.Count != 0 {
		return usagef("--simulated-gpus goes with --cluster local")
	}
	if err := f.gpu.check(cmd); err != nil {
		return err
	}
	return f.vm.check(cmd)
}

func (f *clusterFlags) checkChoice(cmd *cobra.Command) error {
	f.named = cmd.Flags().Changed("name")
	if !slices.Contains(providers, f.provider) {
		return usagef("unknown --cluster %q: choose %s, %s or %s", f.provider, providerLocal, providerKind, providerExisting)
	}
	if f.provider != providerExisting && (cmd.Flags().Changed("kubeconfig") || cmd.Flags().Changed("context")) {
		return usagef("--kubeconfig and --context go with --cluster existing, any other brings its own")
	}
	if f.provider == providerExisting && f.named {
		return usagef("--name goes with --cluster local and kind; choose an existing cluster by --context")
	}
	if f.provider == providerLocal {
		if err := local.ValidateName(f.name); err != nil {
			return usagef("--name: %v", err)
		}
	}
	if f.provider == providerKind && f.named {
		if err := kind.ValidateName(f.name); err != nil {
			return usagef("--name: %v", err)
		}
	}
	return nil
}

// openExisting reaches a cluster that is there.
func (f *clusterFlags) openExisting() (cluster.Cluster, error) {
	return existing.Open(f.kubeconfig, f.context)
}

// openLocal reaches a local cluster. A local cluster that does not run yet is
// brought up and goes away when it is closed, unless keep is set.
func (f *clusterFlags) openLocal(ctx context.Context, set *images.Set, keep bool, scale float64, progress *terminal.Progress) (cluster.Cluster, error) {
	pause, err := set.Image("pause", hostArch())
	if err != nil {
		return nil, err
	}
	return local.Up(ctx, local.Options{
		Name: f.name, PauseImage: pause, Ephemeral: !keep, VM: f.vm.options(), GPUs: f.gpu.gpus,
		TimeoutScale: scale, Progress: progress.Note, Working: progress.Working,
	})
}

// bringImages puts katacert's images into the cluster's nodes, or where they can
// pull them, or trusts that they are there, and returns their references by digest.
func bringImages(ctx context.Context, c cluster.Cluster, set *images.Set, prefix string, insecure, there bool) (map[string]string, error) {
	if registry, ok := c.(cluster.Registry); ok {
		return images.Push(ctx, set, images.PushOptions{Prefix: registry.RegistryPrefix(), Transport: registry.RegistryTransport(), Insecure: true})
	}
	if loader, ok := c.(cluster.ImageLoader); ok && prefix == "" {
		return loadImages(ctx, c, loader, set)
	}
	if there {
		return references(set, prefix)
	}
	refs, err := images.Push(ctx, set, images.PushOptions{Prefix: prefix, Insecure: insecure})
	if err != nil {
		return nil, fmt.Errorf("bring katacert's images to the cluster: %w", err)
	}
	return refs, nil
}

// references names the images of a set by digest, as a push to the prefix would.
func references(set *images.Set, prefix string) (map[string]string, error) {
	refs := map[string]string{}
	for _, name := range set.Names() {
		index, err := set.Index(name)
		if err != nil {
			return nil, err
		}
		digest, err := index.Digest()
		if err != nil {
			return nil, fmt.Errorf("compute the digest of image %s: %w", name, err)
		}
		refs[name] = prefix + "/" + name + "@" + digest.String()
	}
	return refs, nil
}

// architectures lists those of the cluster's nodes for which there are images.
func architectures(ctx context.Context, c cluster.Cluster) ([]string, error) {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return nil, fmt.Errorf("make a client for cluster %s: %w", c.Name(), err)
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, certification.Unreachable(certification.Cluster{Name: c.Name(), Config: c.RESTConfig()}, err)
	}
	var found []string
	for _, node := range nodes.Items {
		arch := node.Status.NodeInfo.Architecture
		if slices.Contains(images.Arches(), arch) && !slices.Contains(found, arch) {
			found = append(found, arch)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("cluster %s has no node of an architecture that katacert has images for (%s)", c.Name(), join(images.Arches()))
	}
	slices.Sort(found)
	return found, nil
}
