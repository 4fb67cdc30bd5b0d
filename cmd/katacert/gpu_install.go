package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/helm"
	"github.com/katacert/katacert/fixtures/nvidia/deviceplugin"
	"github.com/katacert/katacert/fixtures/nvidia/installed"
)

// gpuInstallFlags say what to install.
type gpuInstallFlags struct {
	releaseFlags
	chart                chartFlags
	what                 deviceplugin.InstallOptions
	configs, tolerations []string
}

func newGPUInstall() *cobra.Command {
	f := &gpuInstallFlags{}
	cmd := &cobra.Command{
		Short: "Install NVIDIA's device plugin by its own Helm chart, and wait until nodes have GPUs",
		Long: `Install applies the chart nvidia-device-plugin and waits until its DaemonSet is rolled
out and every node that it runs on has the resource (--resource). A pod that fails, and
one that runs and finds no GPU, is reported with its events, its log and the mend; what
was installed is then removed again, unless --keep-on-failure is given or a release was
upgraded.

NVIDIA's chart of the default version is held to the digest of its own index; another
version is held by its version alone, and then its digest is shown, or by
--chart-digest. Another archive (--chart) always needs its digest. The image is pinned
to --image-digest, or to the digest that its registry gives for the tag.

The chart takes nodes whose labels tell of a GPU: nvidia.com/gpu.present=true set by
hand, or Node Feature Discovery's, which --feature-discovery installs as well.
--node-selector takes the place of that choice.`,
		Example: `  katacert gpu install --context prod --runtime-class nvidia
  katacert gpu install --device-list-strategy cdi-cri --driver-root /run/nvidia/driver
  katacert gpu install --mig-strategy mixed --feature-discovery
  katacert gpu install --chart ./nvidia-device-plugin-0.20.0.tgz --registry mirror.example --image-digest sha256:…
  katacert gpu install --dry-run > device-plugin.yaml`,
	}
	f.registerInstall(cmd)
	return installCommand(devicePlugin, cmd, &f.releaseFlags, &f.chart.dryRun, installation[*deviceplugin.Client, *deviceplugin.Installed]{
		complete: f.complete,
		render: func(ctx context.Context, namespace, release string) (*helm.Rendered, error) {
			return deviceplugin.Render(ctx, namespace, release, f.what)
		},
		install: func(c *deviceplugin.Client, ctx context.Context) (*deviceplugin.Installed, error) {
			return c.Install(ctx, f.what)
		},
		show: showGPUInstalled,
	})
}

func (f *gpuInstallFlags) registerInstall(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.what
	v := &o.Values
	f.register(cmd, deviceplugin.DefaultRelease)
	f.chart.register(cmd, chartOptions{
		chart: &o.Chart, image: &v.Image, registry: &v.Registry, pullSecrets: &v.PullSecrets, upgrade: &o.Upgrade, keep: &o.Keep,
	}, deviceplugin.Official, deviceplugin.OfficialImage)
	flags.StringVar(&o.Resource, "resource", "", "what every node of the plugin must have: "+installed.GPU+", nvidia.com/gpu.shared, nvidia.com/mig-NAME, or nvidia.com/mig-* (default: what the MIG strategy brings)")
	flags.StringSliceVar(&v.ListStrategy, "device-list-strategy", nil, "how the runtime is told which GPUs a container gets: "+join(deviceplugin.ListStrategies)+", repeatable (default: the plugin's, envvar)")
	flags.StringVar(&v.IDStrategy, "device-id-strategy", "", "how it is told: "+join(deviceplugin.IDStrategies)+" (default: the plugin's, uuid)")
	flags.StringVar(&v.DiscoveryStrategy, "discovery-strategy", "", "how GPUs are found: "+join(deviceplugin.DiscoveryStrategies)+" (default: the plugin's, auto)")
	flags.StringVar(&v.MIGStrategy, "mig-strategy", "", "how parts of GPUs are advertised: "+join(deviceplugin.MIGStrategies)+" (default: the plugin's, none)")
	flags.StringVar(&v.DriverRoot, "driver-root", "", "where NVIDIA's driver is on the nodes; /run/nvidia/driver for a driver container (default: the plugin's, /)")
	flags.StringVar(&v.DevRoot, "dev-root", "", "where its device nodes are (default: as --driver-root)")
	flags.StringVar(&v.CDIHook, "cdi-hook", "", "path of nvidia-cdi-hook on the nodes, for the strategies cdi-*")
	flags.BoolVar(&v.DeviceSpecs, "pass-device-specs", false, "pass device nodes to the kubelet, as its CPU manager needs; makes the plugin privileged")
	flags.StringVar(&v.RuntimeClass, "runtime-class", "", "RuntimeClass of the plugin itself, where NVIDIA's runtime is not containerd's default")
	flags.StringSliceVar(&f.configs, "plugin-config", nil, "the plugin's own configuration, as FILE or as NAME=FILE, repeatable")
	flags.StringVar(&v.DefaultConfig, "default-config", "", "which of them is for nodes without the label nvidia.com/device-plugin.config")
	flags.BoolVar(&v.FeatureDiscovery, "feature-discovery", false, "install GPU Feature Discovery and Node Feature Discovery too, which label the nodes")
	flags.StringSliceVar(&f.tolerations, "toleration", nil, "taint that the plugin bears besides the chart's own, as KEY[=VALUE][:EFFECT], repeatable")
	for name, known := range map[string][]string{
		"device-list-strategy": deviceplugin.ListStrategies, "device-id-strategy": deviceplugin.IDStrategies,
		"discovery-strategy": deviceplugin.DiscoveryStrategies, "mig-strategy": deviceplugin.MIGStrategies,
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, completions(known))
	}
}

// complete reads what the flags only name.
func (f *gpuInstallFlags) complete() (err error) {
	v := &f.what.Values
	if v.Configs, err = deviceplugin.ReadConfigs(f.configs); err != nil {
		return err
	}
	if v.Tolerations, err = deviceplugin.ParseTolerations(f.tolerations); err != nil {
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

func showGPUInstalled(out io.Writer, done *deviceplugin.Installed) {
	fmt.Fprintln(out, done.Chart)
	fmt.Fprintln(out, "image "+done.Image.String())
	for _, node := range done.Nodes {
		var resources []string
		for _, r := range node.By(installed.Container) {
			resources = append(resources, r.String())
		}
		fmt.Fprintf(out, "node %s has %s (revision %d)\n", node.Name, join(resources), done.Revision)
	}
	for _, note := range done.Notes {
		fmt.Fprintln(out, "note: "+note)
	}
}
