package main

import (
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/images"
)

func newImages() *cobra.Command {
	return group(&cobra.Command{
		Use:   "images",
		Short: "Build, save, push and list the images of a run",
		Long: `katacert assembles its own images without Docker: the probe, a pause and a small
trainer, for linux/amd64 and linux/arm64. The same source gives the same digests.
--gpu adds the one with gpu-probe, for nodes with real GPUs: it takes a C compiler and
holds this machine's C library, so that its digest is the same on the same machine.`,
		Example: `  katacert images list
  katacert images push --image-registry registry.example/team/katacert
  katacert images save --dir ./images        # for air-gapped sites`,
	}, newImagesBuild(), newImagesSave(), newImagesPush(), newImagesList())
}

// buildFlags say what to build.
type buildFlags struct {
	arches []string
	gpu    bool
}

func (f *buildFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.arches, "arch", images.Arches(), "architectures to build for")
	cmd.Flags().BoolVar(&f.gpu, "gpu", false, "build the image with gpu-probe too, which takes a C compiler for each architecture")
}

// build builds the images with progress on standard error.
func (f *buildFlags) build(cmd *cobra.Command) (*images.Set, error) {
	for _, arch := range f.arches {
		if !slices.Contains(images.Arches(), arch) {
			return nil, usagef("unknown --arch %q: choose of %s", arch, join(images.Arches()))
		}
	}
	o := images.Options{Arch: f.arches, Progress: cmd.ErrOrStderr()}
	if f.gpu {
		o.Names = images.WithGPU()
	}
	return images.Build(cmd.Context(), o)
}

func newImagesBuild() *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{
		Use:     "build",
		Short:   "Build the images and show their digests",
		Example: "  katacert images build --arch arm64",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := f.build(cmd)
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "IMAGE\tARCH\tBYTES\tDIGEST")
			for _, info := range set.List() {
				fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", info.Name, info.Arch, info.Bytes, info.Digest)
			}
			return table.Flush()
		},
	}
	f.register(cmd)
	return cmd
}

func newImagesSave() *cobra.Command {
	var f buildFlags
	var dir string
	cmd := &cobra.Command{
		Use:     "save",
		Short:   "Write the images into a folder, as OCI layout and as archives",
		Example: "  katacert images save --dir ./images\n  ctr -n k8s.io images import ./images/probe-linux-amd64.tar",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := f.build(cmd)
			if err != nil {
				return err
			}
			files, err := set.Save(cmd.Context(), dir)
			if err != nil {
				return err
			}
			for _, file := range files {
				fmt.Fprintln(cmd.OutOrStdout(), file)
			}
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&dir, "dir", "images", "folder to write to")
	return cmd
}

func newImagesPush() *cobra.Command {
	var f buildFlags
	var prefix string
	var insecure bool
	cmd := &cobra.Command{
		Use:     "push",
		Short:   "Push the images to a registry",
		Example: "  katacert images push --image-registry registry.example/team/katacert\n  katacert images push --image-registry registry.example/team/katacert --gpu --arch amd64",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if prefix == "" {
				return usagef("images push needs --image-registry PREFIX")
			}
			set, err := f.build(cmd)
			if err != nil {
				return err
			}
			refs, err := images.Push(cmd.Context(), set, images.PushOptions{Prefix: prefix, Insecure: insecure})
			if err != nil {
				return err
			}
			for _, name := range set.Names() {
				fmt.Fprintln(cmd.OutOrStdout(), refs[name])
			}
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&prefix, "image-registry", "", "registry and path to push to; the images' names follow it")
	cmd.Flags().BoolVar(&insecure, "insecure-registry", false, "allow plain HTTP")
	return cmd
}

func newImagesList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List every image that a run may need, katacert's own and others'",
		Example: "  katacert images list",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "IMAGE\tFROM\tPURPOSE")
			for _, needed := range images.All() {
				from := needed.Ref
				if from == "" {
					from = "built by katacert"
				}
				fmt.Fprintf(table, "%s\t%s\t%s\n", needed.Name, from, needed.Purpose)
			}
			return table.Flush()
		},
	}
}
