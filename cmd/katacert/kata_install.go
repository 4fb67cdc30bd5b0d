package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/helm"
	"github.com/katacert/katacert/fixtures/kata"
)

// kataInstallFlags say what to install.
type kataInstallFlags struct {
	releaseFlags
	chart              chartFlags
	what               kata.InstallOptions
	mode, distribution string
	runtimes, dropIns  []string
}

func newKataInstall() *cobra.Command {
	f := &kataInstallFlags{}
	cmd := &cobra.Command{
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
	}
	f.registerInstall(cmd)
	return installCommand(kataContainers, cmd, &f.releaseFlags, &f.chart.dryRun, installation[*kata.Client, *kata.Installed]{
		complete: f.complete,
		render: func(ctx context.Context, namespace, release string) (*helm.Rendered, error) {
			return kata.Render(ctx, namespace, release, f.what)
		},
		install: func(c *kata.Client, ctx context.Context) (*kata.Installed, error) { return c.Install(ctx, f.what) },
		show:    showKataInstalled,
	})
}

func (f *kataInstallFlags) registerInstall(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.what
	f.register(cmd, kata.DefaultRelease)
	f.chart.register(cmd, chartOptions{
		chart: &o.Chart, image: &o.Values.Image, registry: &o.Values.Registry, pullSecrets: &o.Values.PullSecrets, upgrade: &o.Upgrade, keep: &o.Keep,
	}, kata.Official, kata.OfficialImage)
	flags.StringVar(&f.mode, "deployment-mode", "", "how the chart reaches nodes: "+join(kata.Modes())+" (default: the chart's)")
	flags.StringVar(&f.distribution, "distribution", "", "flavour of Kubernetes, which decides where containerd's configuration is: "+join(kata.Distributions())+" (default: the chart's)")
	flags.StringSliceVar(&o.Values.Shims, "shim", []string{kata.DefaultShim}, "shim to install, by the chart's name, repeatable")
	flags.StringVar(&o.Values.DefaultShim, "default-shim", "", "shim that custom runtimes start from (default: the first one)")
	flags.StringVar(&o.Values.DefaultClass, "default-class", "", "further RuntimeClass of this name for the default shim")
	flags.StringSliceVar(&f.runtimes, "custom-runtime", nil, "further runtime, as CLASS=HANDLER or CLASS=HANDLER:SHIM, repeatable")
	flags.StringSliceVar(&f.dropIns, "drop-in", nil, "Kata configuration for a custom runtime's config.d, as HANDLER=FILE, repeatable")
	flags.BoolVar(&o.Tutorial, "tutorial-class", true, "make the RuntimeClass "+kata.TutorialClass+" with the handler "+kata.TutorialHandler)
	flags.StringSliceVar(&o.Values.Snapshotters, "snapshotter", nil, "snapshotter that the chart sets up, as the confidential shims need it, repeatable")
	flags.BoolVar(&o.Values.Debug, "debug", false, "let Kata log more, with classes that have a debug console: not for clusters that are certified")
	_ = cmd.RegisterFlagCompletionFunc("deployment-mode", completions(kata.Modes()))
	_ = cmd.RegisterFlagCompletionFunc("distribution", completions(kata.Distributions()))
}

// complete reads what the flags only name.
func (f *kataInstallFlags) complete() (err error) {
	v := &f.what.Values
	v.Mode, v.Distribution = kata.Mode(f.mode), kata.Distribution(f.distribution)
	if v.Runtimes, err = kata.ParseRuntimes(f.runtimes, f.dropIns); err != nil {
		return err
	}
	if v.NodeSelector, err = helm.ParseSelector(f.chart.selector); err != nil {
		return err
	}
	if v.Extra, err = helm.ReadValues(f.chart.extra); err != nil {
		return err
	}
	return f.what.Check()
}

func showKataInstalled(out io.Writer, installed *kata.Installed) {
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
