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
trainer, for linux/amd64 and linux/arm64. The same source gives the same digests.`,
		Example: `  katacert images list
  katacert images push --image-registry registry.example/team/katacert
  katacert images save --dir ./images        # for air-gapped sites`,
	}, newImagesBuild(), newImagesSave(), newImagesPush(), newImagesList())
}

// buildAll builds the images of the given architectures with progress on
// standard error.
func buildAll(cmd *cobra.Command, arches []string) (*images.Set, error) {
	for _, arch := range arches {
		if !slices.Contains(images.Arches(), arch) {
			return nil, usagef("unknown --arch %q: choose of %s", arch, join(images.Arches()))
		}
	}
	return images.Build(cmd.Context(), images.Options{Arch: arches, Progress: cmd.ErrOrStderr()})
}

func archFlag(cmd *cobra.Command, arches *[]string) {
	cmd.Flags().StringSliceVar(arches, "arch", images.Arches(), "architectures to build for")
}

func newImagesBuild() *cobra.Command {
	var arches []string
	cmd := &cobra.Command{
		Use:     "build",
		Short:   "Build the images and show their digests",
		Example: "  katacert images build --arch arm64",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := buildAll(cmd, arches)
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
	archFlag(cmd, &arches)
	return cmd
}

func newImagesSave() *cobra.Command {
	var arches []string
	var dir string
	cmd := &cobra.Command{
		Use:     "save",
		Short:   "Write the images into a folder, as OCI layout and as archives",
		Example: "  katacert images save --dir ./images\n  ctr -n k8s.io images import ./images/probe-linux-amd64.tar",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := buildAll(cmd, arches)
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
	archFlag(cmd, &arches)
	cmd.Flags().StringVar(&dir, "dir", "images", "folder to write to")
	return cmd
}

func newImagesPush() *cobra.Command {
	var arches []string
	var prefix string
	var insecure bool
	cmd := &cobra.Command{
		Use:     "push",
		Short:   "Push the images to a registry",
		Example: "  katacert images push --image-registry registry.example/team/katacert",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if prefix == "" {
				return usagef("images push needs --image-registry PREFIX")
			}
			set, err := buildAll(cmd, arches)
			if err != nil {
				return err
			}
			refs, err := images.Push(cmd.Context(), set, images.PushOptions{Prefix: prefix, Insecure: insecure})
			if err != nil {
				return err
			}
			for _, name := range images.Names() {
				fmt.Fprintln(cmd.OutOrStdout(), refs[name])
			}
			return nil
		},
	}
	archFlag(cmd, &arches)
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
