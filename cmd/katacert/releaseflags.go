package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/helm"
)

// releaseFlags choose a cluster and a Helm release there.
type releaseFlags struct {
	kubeconfig, context, namespace, release, config string
	scale                                           float64
}

func (f *releaseFlags) register(cmd *cobra.Command, release string) {
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster (default: $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig (default: its current one)")
	flags.StringVar(&f.namespace, "namespace", helm.DefaultNamespace, "namespace of the Helm release")
	flags.StringVar(&f.release, "release", release, "name of the Helm release")
	flags.StringVar(&f.config, "config", "", "YAML file with fields named as these flags; flags win")
	flags.Float64Var(&f.scale, "timeout-scale", 1, "factor for every time-out, for slow clusters")
}

func (f *releaseFlags) check(cmd *cobra.Command) error {
	if f.config != "" {
		if err := applyConfig(cmd, f.config); err != nil {
			return err
		}
	}
	return checkScale(f.scale)
}

// asUsage gives mistakes in what was asked for the exit code of wrong usage.
func asUsage(err error) error {
	var input *helm.InputError
	if errors.As(err, &input) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return err
}

// chartFlags say which chart and image to install, and how to change what is there.
type chartFlags struct {
	selector, extra []string
	dryRun          bool
}

// chartOptions are the parts of options that every chart has.
type chartOptions struct {
	chart         *helm.ChartOptions
	image         *helm.Image
	registry      *string
	pullSecrets   *[]string
	upgrade, keep *bool
}

func (f *chartFlags) register(cmd *cobra.Command, o chartOptions, official helm.Official, image string) {
	flags := cmd.Flags()
	flags.StringVar(&o.chart.Source, "chart", "", "the chart: an archive, the https:// address of one, or oci:// and a repository (default "+official.Source+")")
	flags.StringVar(&o.chart.Version, "chart-version", "", "version of the chart (default where it is published: "+official.Version+")")
	flags.StringVar(&o.chart.Digest, "chart-digest", "", "sha256: digest of the archive, or of the chart's manifest in the registry")
	flags.StringVar(o.registry, "registry", "", "mirror from which all images of the chart come, under the same paths, and the chart where it is published in a registry")
	flags.BoolVar(&o.chart.Access.Insecure, "insecure-registry", false, "allow plain HTTP to the registries of chart and image")
	flags.StringVar(&o.image.Reference, "image", "", "the image, without tag (default: the chart's, "+image+")")
	flags.StringVar(&o.image.Tag, "image-tag", "", "tag of the image (default: what belongs to the chart)")
	flags.StringVar(&o.image.Digest, "image-digest", "", "sha256: digest of the image (default: what its registry gives for the tag)")
	flags.StringSliceVar(o.pullSecrets, "image-pull-secret", nil, "secret of the namespace with which the nodes pull, repeatable")
	flags.StringSliceVar(&f.selector, "node-selector", nil, "KEY=VALUE of the nodes to install on, repeatable (default: those that the chart takes)")
	flags.StringSliceVar(&f.extra, "values", nil, "YAML file with values in the chart's own form, which win over these flags, repeatable")
	flags.BoolVar(o.upgrade, "upgrade", false, "change the release that is there, or install it")
	flags.BoolVar(o.keep, "keep-on-failure", false, "leave what was installed when it does not become ready")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be applied, and ask no cluster")
}

// showRendered prints what would be applied, and on standard error what the nodes
// would pull.
func showRendered(cmd *cobra.Command, rendered *helm.Rendered) {
	fmt.Fprintln(cmd.ErrOrStderr(), rendered.Chart)
	for _, image := range rendered.Images {
		fmt.Fprintln(cmd.ErrOrStderr(), "image "+image)
	}
	fmt.Fprint(cmd.OutOrStdout(), rendered.Manifest)
}

// showReleases prints the Helm releases of a chart.
func showReleases(out io.Writer, chart, software string, ours *helm.Release, others []helm.Release) {
	if ours != nil {
		others = append([]helm.Release{*ours}, others...)
	}
	if len(others) == 0 {
		fmt.Fprintln(out, "no Helm release of "+chart)
	}
	for _, r := range others {
		fmt.Fprintf(out, "release %s/%s: %s, %s %s, revision %d, %s since %s (%s)\n",
			r.Namespace, r.Name, r.Chart, software, r.Version, r.Revision, r.State, r.Updated.Format("2006-01-02 15:04:05"), r.Description)
		for _, image := range r.Images {
			fmt.Fprintln(out, "  image "+image)
		}
	}
}

// showRemoved prints what an uninstallation came to, but for what only one software has.
// Something that stayed on a node is an error of its own.
func showRemoved(out io.Writer, removed *helm.Removed) error {
	for _, note := range removed.Notes {
		fmt.Fprintln(out, "note: "+note)
	}
	for _, left := range removed.Left {
		fmt.Fprintln(out, "left: "+left)
	}
	if len(removed.Left) > 0 {
		return &outcomeError{exitLeftovers}
	}
	return nil
}
