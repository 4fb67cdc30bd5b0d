package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/kind"
	"github.com/katacert/katacert/fixtures/images"
	kindconfigs "github.com/katacert/katacert/kind-configs"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/terminal"
)

// kindFlags say what cluster of kind to bring up.
type kindFlags struct {
	config, nodeImage, kata, gpu string
}

func (f *kindFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config, "kind-config", kindconfigs.Default, "configuration of the kind cluster: "+join(kindconfigs.Names())+", or the path of a file")
	cmd.Flags().StringVar(&f.nodeImage, "node-image", "", "image of the kind cluster's nodes (default: kind's own, by digest)")
	cmd.Flags().StringVar(&f.kata, "install-kata", "", "install Kata Containers into the kind cluster, by its own chart, or as =FILE says with fields named as the flags of katacert kata install")
	cmd.Flags().StringVar(&f.gpu, "install-gpu-plugin", "", "install NVIDIA's device plugin into the kind cluster, by its own chart, or as =FILE says with fields named as the flags of katacert gpu install")
	for _, name := range []string{"install-kata", "install-gpu-plugin"} {
		cmd.Flags().Lookup(name).NoOptDefVal = official
	}
	_ = cmd.RegisterFlagCompletionFunc("kind-config", completeKindConfigs)
}

func (f *kindFlags) check(cmd *cobra.Command, provider string) error {
	for _, flag := range []string{"kind-config", "node-image", "install-kata", "install-gpu-plugin"} {
		if provider != providerKind && cmd.Flags().Changed(flag) {
			return usagef("--%s goes with --cluster kind", flag)
		}
	}
	if provider != providerKind {
		return nil
	}
	if f.nodeImage != "" {
		if _, err := name.ParseReference(f.nodeImage); err != nil {
			return usagef("--node-image: %v", err)
		}
	}
	config, err := kind.LoadConfig(f.config)
	if err != nil {
		return usagef("--kind-config: %v", err)
	}
	if f.kata != "" {
		if _, err := kataInstallation(f.kata); err != nil {
			return err
		}
	}
	if f.gpu != "" {
		_, err = gpuInstallation(f.gpu, config)
	}
	return err
}

func completeKindConfigs(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all []cobra.Completion
	for _, name := range kindconfigs.Names() {
		about, _ := kindconfigs.Describe(name) // it is there
		all = append(all, cobra.CompletionWithDesc(name, about))
	}
	return all, cobra.ShellCompDirectiveDefault // files are as good
}

// reachKind brings up a cluster of kind, which carries the run's id in its name and
// goes away when it is closed, unless it is to be kept.
func (f *certifyFlags) reachKind(ctx context.Context, run string, progress *terminal.Progress) (cluster.Cluster, *images.Set, error) {
	config, err := kind.LoadConfig(f.kind.config)
	if err != nil {
		return nil, nil, usagef("--kind-config: %v", err)
	}
	if err := kind.Require(ctx, config, f.kind.nodeImage); err != nil {
		return nil, nil, err // before the time to build images is spent
	}
	if !config.Sandboxed() && f.kind.kata == "" && len(f.classes) == 0 && !f.keep {
		return nil, nil, usagef("a kind cluster of configuration %s has no sandbox to certify: add --install-kata, choose a --kind-config that brings one, or name a class with --runtime-class", f.kind.config)
	}
	var install *kataInstallFlags
	if f.kind.kata != "" {
		if install, err = prepareKata(ctx, f.kind.kata); err != nil {
			return nil, nil, err
		}
	}
	var plugin *gpuInstallFlags
	if f.kind.gpu != "" {
		if plugin, err = prepareGPU(ctx, f.kind.gpu, config); err != nil {
			return nil, nil, err
		}
	}
	progress.Phase("", "build the images")
	set, err := images.Build(ctx, images.Options{Progress: notes{progress}})
	if err != nil {
		return nil, nil, err
	}
	progress.Phase("", "bring up the cluster")
	c, err := kind.Up(ctx, kind.Options{
		Name: f.cluster.kindName(run), Config: config, NodeImage: f.kind.nodeImage, Keep: f.keep,
		LogDir: filepath.Join(f.out, run, "cluster"), TimeoutScale: f.scale, Progress: progress.Note,
	})
	if err != nil {
		return nil, nil, err // no typed nil
	}
	if install != nil {
		if err := install.installKata(ctx, c, f.scale, progress); err != nil {
			return nil, nil, err
		}
	}
	if plugin != nil {
		if err := plugin.installGPU(ctx, c, f.scale, progress); err != nil {
			return nil, nil, err
		}
	}
	return c, set, nil
}

// kindName is the name of the run's cluster of kind.
func (f *clusterFlags) kindName(run string) string {
	if f.named {
		return f.name
	}
	return kind.Name(run)
}

// loadImages puts katacert's images directly into the nodes, and returns their
// references by digest.
func loadImages(ctx context.Context, c cluster.Cluster, loader cluster.ImageLoader, set *images.Set) (map[string]string, error) {
	arches, err := architectures(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(arches) != 1 {
		return nil, fmt.Errorf("bring katacert's images to cluster %s: its nodes are of more than one architecture (%s)", c.Name(), join(arches))
	}
	refs := map[string]string{}
	for _, name := range set.Names() {
		if name == images.Pause { // kind's nodes have one of their own
			continue
		}
		info, err := set.Info(name, arches[0])
		if err != nil {
			return nil, err
		}
		var archive bytes.Buffer
		if err := set.Archive(&archive, name, arches[0]); err != nil {
			return nil, err
		}
		if err := loader.LoadImage(ctx, archive.Bytes()); err != nil {
			return nil, fmt.Errorf("bring katacert's images to the cluster: %w", err)
		}
		repository, _, _ := strings.Cut(info.Ref, ":")
		refs[name] = repository + "@" + info.Digest
	}
	return refs, nil
}

// nodeImages are the images that the nodes of a kind cluster are made of, for the
// report; none for other clusters.
func (f *certifyFlags) nodeImages() []reports.Image {
	if f.cluster.provider != providerKind {
		return nil
	}
	config, err := kind.LoadConfig(f.kind.config)
	if err != nil {
		return nil // the run says why
	}
	var all []reports.Image
	for _, ref := range config.NodeImages(f.kind.nodeImage) {
		_, digest, _ := strings.Cut(ref, "@")
		all = append(all, reports.Image{Ref: ref, Digest: digest})
	}
	reports.NameImages(reports.NodeImage, all)
	return all
}
