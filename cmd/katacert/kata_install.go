package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/helm"
	"github.com/katacert/katacert/fixtures/kata"
	"github.com/katacert/katacert/reports/terminal"
)

// kataInstallFlags say what to install.
type kataInstallFlags struct {
	kataFlags
	options                            kata.InstallOptions
	mode, distribution                 string
	runtimes, dropIns, selector, extra []string
	dryRun                             bool
}

func newKataInstall() *cobra.Command {
	f := &kataInstallFlags{}
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install Kata Containers by its own Helm chart, and wait until it is ready",
		Long: `Install applies the chart kata-deploy and waits until its DaemonSet is rolled out,
its nodes carry katacontainers.io/kata-runtime=true and list the handlers, and the
RuntimeClasses exist. A pod of kata-deploy that fails is reported at once, with its
events, its log and the mend; what was installed is then removed again, unless
--keep-on-failure is given or a release was upgraded.

The chart is held to --chart-digest, or by its version alone, and then its digest is
shown. An archive (--chart FILE) always needs its digest. The image is pinned to
--image-digest, or to the digest that its registry gives for the tag.

Only the shims that are named are installed, each with a RuntimeClass kata-SHIM, and
the RuntimeClass kata-runtime (handler kata) for the default shim.`,
		Example: `  katacert kata install --context prod
  katacert kata install --shim qemu-runtime-rs --shim qemu --distribution k3s
  katacert kata install --registry mirror.example/kata --chart-digest sha256:…
  katacert kata install --chart ./kata-deploy-4.1.0.tgz --chart-digest sha256:… --image-digest sha256:…
  katacert kata install --dry-run > kata.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if err := f.complete(); err != nil {
				return asUsage(err)
			}
			if f.dryRun {
				return asUsage(f.render(cmd))
			}
			progress := terminal.NewProgress(cmd.ErrOrStderr(), isTerminal(cmd.ErrOrStderr()))
			defer progress.Stop()
			client, err := f.open(progress)
			if err != nil {
				return err
			}
			installed, err := client.Install(cmd.Context(), f.options)
			progress.Stop()
			if err != nil {
				return asUsage(err)
			}
			showInstalled(cmd.OutOrStdout(), installed)
			return nil
		},
	}
	f.register(cmd)
	f.registerInstall(cmd)
	return cmd
}

func (f *kataInstallFlags) registerInstall(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.options
	flags.StringVar(&o.Chart.Source, "chart", "", "the chart: an archive, or oci:// and a repository (default "+kata.Official.Source+")")
	flags.StringVar(&o.Chart.Version, "chart-version", "", "version of the chart (default in a registry: "+kata.Official.Version+")")
	flags.StringVar(&o.Chart.Digest, "chart-digest", "", "sha256: digest of the archive, or of the chart's manifest in the registry")
	flags.StringVar(&o.Values.Registry, "registry", "", "mirror from which the chart and all its images come, under the same paths")
	flags.BoolVar(&o.Chart.Access.Insecure, "insecure-registry", false, "allow plain HTTP to the registries of chart and image")
	flags.StringVar(&o.Values.Image.Reference, "image", "", "kata-deploy's image, without tag (default: the chart's, "+kata.OfficialImage+")")
	flags.StringVar(&o.Values.Image.Tag, "image-tag", "", "tag of the image (default: the chart's version of Kata)")
	flags.StringVar(&o.Values.Image.Digest, "image-digest", "", "sha256: digest of the image (default: what its registry gives for the tag)")
	flags.StringSliceVar(&o.Values.PullSecrets, "image-pull-secret", nil, "secret of the namespace with which the nodes pull, repeatable")
	flags.StringVar(&f.mode, "deployment-mode", "", "how the chart reaches nodes: "+join(kata.Modes())+" (default: the chart's)")
	flags.StringVar(&f.distribution, "distribution", "", "flavour of Kubernetes, which decides where containerd's configuration is: "+join(kata.Distributions())+" (default: the chart's)")
	flags.StringSliceVar(&o.Values.Shims, "shim", []string{kata.DefaultShim}, "shim to install, by the chart's name, repeatable")
	flags.StringVar(&o.Values.DefaultShim, "default-shim", "", "shim that custom runtimes start from (default: the first one)")
	flags.StringVar(&o.Values.DefaultClass, "default-class", "", "further RuntimeClass of this name for the default shim")
	flags.StringSliceVar(&f.runtimes, "custom-runtime", nil, "further runtime, as CLASS=HANDLER or CLASS=HANDLER:SHIM, repeatable")
	flags.StringSliceVar(&f.dropIns, "drop-in", nil, "Kata configuration for a custom runtime's config.d, as HANDLER=FILE, repeatable")
	flags.BoolVar(&o.Tutorial, "tutorial-class", true, "make the RuntimeClass "+kata.TutorialClass+" with the handler "+kata.TutorialHandler)
	flags.StringSliceVar(&o.Values.Snapshotters, "snapshotter", nil, "snapshotter that the chart sets up, as the confidential shims need it, repeatable")
	flags.StringSliceVar(&f.selector, "node-selector", nil, "KEY=VALUE of the nodes to install on, repeatable (default: all that take pods)")
	flags.BoolVar(&o.Values.Debug, "debug", false, "let Kata log more, with classes that have a debug console: not for clusters that are certified")
	flags.StringSliceVar(&f.extra, "values", nil, "YAML file with values in the chart's own form, which win over these flags, repeatable")
	flags.BoolVar(&o.Upgrade, "upgrade", false, "change the release that is there, or install it")
	flags.BoolVar(&o.Keep, "keep-on-failure", false, "leave what was installed when it does not become ready")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be applied, and ask no cluster")
	_ = cmd.RegisterFlagCompletionFunc("deployment-mode", completions(kata.Modes()))
	_ = cmd.RegisterFlagCompletionFunc("distribution", completions(kata.Distributions()))
}

// complete reads what the flags only name.
func (f *kataInstallFlags) complete() (err error) {
	v := &f.options.Values
	v.Mode, v.Distribution = kata.Mode(f.mode), kata.Distribution(f.distribution)
	if v.Runtimes, err = kata.ParseRuntimes(f.runtimes, f.dropIns); err != nil {
		return err
	}
	if v.NodeSelector, err = helm.ParseSelector(f.selector); err != nil {
		return err
	}
	if v.Extra, err = helm.ReadValues(f.extra); err != nil {
		return err
	}
	return f.options.Check()
}

func (f *kataInstallFlags) render(cmd *cobra.Command) error {
	rendered, err := kata.Render(cmd.Context(), f.namespace, f.release, f.options)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), rendered.Chart)
	for _, image := range rendered.Images {
		fmt.Fprintln(cmd.ErrOrStderr(), "image "+image)
	}
	fmt.Fprint(cmd.OutOrStdout(), rendered.Manifest)
	return nil
}

func showInstalled(out io.Writer, installed *kata.Installed) {
	fmt.Fprintln(out, installed.Chart)
	fmt.Fprintln(out, "image "+installed.Image.String())
	fmt.Fprintf(out, "Kata is ready on %s (revision %d)\n", join(installed.Nodes), installed.Revision)
	for _, class := range installed.Classes {
		fmt.Fprintf(out, "RuntimeClass %s, handler %s\n", class.Name, class.Handler)
	}
	for _, note := range installed.Notes {
		fmt.Fprintln(out, "note: "+note)
	}
}
