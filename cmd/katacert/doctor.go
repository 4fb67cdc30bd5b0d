package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/existing"
	"github.com/katacert/katacert/fixtures/cluster/kind"
	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/suites/access"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/doctor"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	provider, kubeconfig, context, output string
	classes, nodes                        []string
	registry, pullSecret, reference       string
	look, insecureRegistry, skipPush      bool
	scale                                 float64
}

func newDoctor() *cobra.Command {
	f := &doctorFlags{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine, or a cluster, can be certified for",
		Long: `Doctor checks what the embedded local cluster needs, whether clusters of kind can
come up, and which sandboxes this machine could run. With --cluster existing, or a
--kubeconfig or --context, it looks at that cluster instead: which RuntimeClasses can
be certified on which nodes, what the user may, and what stands in the way, each with
what to do. It changes nothing, and starts no pod: what admission would say it learns
by server-side dry runs.

With --look it brings katacert's images to the cluster as certify does, makes one
namespace, lets the witness look on each node for what the API server does not know
(KVM, IOMMU, vhost-vsock, GPUs, and the configuration of Kata behind each handler),
and removes both.

The exit code is 3 when a local cluster could not run here, or when nothing of the
cluster can be certified, and 4 when the witness could not be removed.`,
		Example: `  katacert doctor
  katacert doctor --cluster existing --context prod
  katacert doctor --context prod --look --image-registry registry.example/team/katacert
  katacert doctor --kubeconfig prod.yaml --runtime-class kata-qemu --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if f.provider == providerExisting {
				return f.lookAtCluster(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return f.lookAtMachine(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.provider, "cluster", providerLocal, "what to look at: local (this machine) or existing")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the existing cluster (default: $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig (default: its current one)")
	flags.StringVar(&f.output, "output", "text", "text or json")
	flags.StringSliceVar(&f.classes, "runtime-class", nil, "RuntimeClass to look at, repeatable (default: every sandbox class of the cluster)")
	flags.StringSliceVar(&f.nodes, "nodes", nil, "nodes to look at (default: every node)")
	flags.BoolVar(&f.look, "look", false, "let the witness look on the nodes: a privileged pod on each, which is removed again")
	flags.StringVar(&f.reference, "reference-runtime-class", "", "RuntimeClass that runs the witness as a plain container (default: runc where there is one, else the nodes' default)")
	flags.StringVar(&f.registry, "image-registry", "", "registry and path of katacert's images: admission may judge by it, and --look pushes to it")
	flags.BoolVar(&f.insecureRegistry, "insecure-registry", false, "allow plain HTTP to --image-registry")
	flags.BoolVar(&f.skipPush, "skip-image-push", false, "trust that --image-registry holds katacert's images already, from an earlier katacert images push")
	flags.StringVar(&f.pullSecret, "image-pull-secret", "", "NAMESPACE/NAME of the secret with which the nodes pull from --image-registry")
	flags.Float64Var(&f.scale, "timeout-scale", 1, "factor for every time-out, for slow clusters")
	_ = cmd.RegisterFlagCompletionFunc("cluster", cobra.FixedCompletions([]string{providerLocal, providerExisting}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// ofCluster are the flags that only a cluster understands.
var ofCluster = []string{"runtime-class", "nodes", "look", "reference-runtime-class", "image-registry", "insecure-registry", "skip-image-push", "image-pull-secret"}

func (f *doctorFlags) check(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if !given("cluster") && (given("kubeconfig") || given("context")) {
		f.provider = providerExisting
	}
	if !slices.Contains([]string{providerLocal, providerExisting}, f.provider) {
		return usagef("unknown --cluster %q: choose %s or %s", f.provider, providerLocal, providerExisting)
	}
	if f.provider == providerLocal {
		for _, name := range append([]string{"kubeconfig", "context"}, ofCluster...) {
			if given(name) {
				return usagef("--%s goes with --cluster existing", name)
			}
		}
	}
	if f.look && f.registry == "" {
		return usagef("--look needs --image-registry PREFIX, from which the nodes can pull katacert's images")
	}
	if !slices.Contains([]string{"text", "json"}, f.output) {
		return usagef("unknown --output %q: choose text or json", f.output)
	}
	return checkScale(f.scale)
}

// lookAtCluster diagnoses an existing cluster.
func (f *doctorFlags) lookAtCluster(ctx context.Context, out, stderr io.Writer) error {
	secret, err := parseSecret(f.pullSecret)
	if err != nil {
		return err
	}
	c, err := existing.Open(f.kubeconfig, f.context)
	if err != nil {
		return err
	}
	options := doctor.Options{
		Cluster:        certification.Cluster{Provider: c.Provider(), Name: c.Name(), Config: c.RESTConfig()},
		RuntimeClasses: f.classes, Nodes: f.nodes, Extras: access.Extras{Secret: secret},
		Timeouts: certification.DefaultTimeouts(f.scale), Controls: certification.Catalogue(),
	}
	if f.registry != "" {
		options.Image = f.registry + "/probe:doctor"
	}
	diagnosis, err := doctor.Diagnose(ctx, options)
	if err != nil {
		return err
	}
	var lookErr error
	if f.look {
		lookErr = f.letWitnessLook(ctx, diagnosis, options, stderr)
	}
	write := doctor.Text
	if f.output == "json" {
		write = doctor.JSON
	}
	if err := wholly(out, func(w io.Writer) error { return write(w, diagnosis) }); err != nil {
		return fmt.Errorf("write the findings: %w", err)
	}
	switch {
	case lookErr != nil:
		return lookErr
	case !diagnosis.Sound():
		return &outcomeError{exitPartial}
	case len(diagnosis.Leftovers) > 0:
		return &outcomeError{exitLeftovers}
	default:
		return nil
	}
}

// lookAtMachine checks what clusters of katacert's own need here.
func (f *doctorFlags) lookAtMachine(ctx context.Context, out io.Writer) error {
	findings := append(local.Check(ctx), kind.Check(ctx)...)
	sound := !slices.ContainsFunc(findings, func(f cluster.Finding) bool { return !f.OK && f.Required })
	err := wholly(out, func(w io.Writer) error {
		if f.output == "json" {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", "  ")
			return encoder.Encode(findings)
		}
		showFindings(w, findings)
		if !sound {
			fmt.Fprintln(w, "\nA local cluster cannot run here as it is; an existing cluster can still be certified: `katacert certify --cluster existing`.")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write the findings: %w", err)
	}
	if !sound {
		return &outcomeError{exitPartial}
	}
	return nil
}

func showFindings(out io.Writer, findings []cluster.Finding) {
	for _, finding := range findings {
		mark := "ok      "
		switch {
		case !finding.OK && !finding.Required:
			mark = "missing "
		case !finding.OK:
			mark = "PROBLEM "
		}
		fmt.Fprintf(out, "%s %-22s %s\n", mark, finding.Name, finding.Detail)
		if !finding.OK && finding.Mend != "" {
			fmt.Fprintf(out, "%32s-> %s\n", "", finding.Mend)
		}
	}
}
