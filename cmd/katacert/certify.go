package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/gomega"
	"github.com/spf13/cobra"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/specs"
)

// certifyFlags are the flags of certify; a configuration file has the same.
type certifyFlags struct {
	cluster                          clusterFlags
	kind                             kindFlags
	training                         trainingFlags
	classes, nodes, tenantLabels     []string
	reference, profile, controls     string
	require, out, output, config     string
	prometheusFile                   string
	registry, pullSecret, storage    string
	insecureRegistry, skipPush, keep bool
	scale                            float64
	signing                          signingFlags
	// signer signs the bundle, configuration is kept in it.
	signer        *bundle.Signer
	configuration *bundle.Configuration
	// deaths tells what of a local cluster ended unexpectedly during the run.
	deaths func() []string
}

func newCertify() *cobra.Command {
	f := &certifyFlags{}
	cmd := &cobra.Command{
		Use:   "certify",
		Short: "Certify the sandbox RuntimeClasses of a cluster",
		Long: `Certify puts pods on every chosen node: a witness that knows the truth, plain
pods that must be seen to detect the node, and tenants' pods under the
RuntimeClass in question, which must not. It writes report.html, report.json,
junit.xml, summary.md, ctrf.json, oscal.json and evidence.jsonl into a folder of
its own below --out, and a signed bundle of all that an auditor needs (see
katacert verify).`,
		Example: `  katacert certify
  katacert certify --profile quick --runtime-class gvisor
  katacert certify --cluster existing --context prod --image-registry registry.example/katacert
  katacert certify --cluster kind --kind-config gvisor
  katacert certify --cluster kind --kind-config kata --install-kata
  katacert certify --config katacert.yaml --require hardening
  katacert certify --signing-key release.key
  katacert certify --prometheus-file /var/lib/node_exporter/textfile/katacert.prom`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.config != "" {
				if err := applyConfig(cmd, f.config); err != nil {
					return err
				}
			}
			if err := f.check(cmd); err != nil {
				return err
			}
			var err error
			if f.signer, err = f.signing.signer(cmd.Context()); err != nil {
				return err
			}
			if f.configuration, err = configurationOf(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.cluster.register(cmd)
	f.kind.register(cmd)
	f.signing.register(cmd)
	f.training.register(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.classes, "runtime-class", nil, "RuntimeClass to certify, repeatable (default: every sandbox class of the cluster)")
	flags.StringSliceVar(&f.nodes, "nodes", nil, "nodes to certify (default: every ready node)")
	flags.StringVar(&f.reference, "reference-runtime-class", "", "RuntimeClass that runs plain containers (default: runc where there is one, else the nodes' default)")
	flags.StringVar(&f.profile, "profile", string(catalogue.Nightly), "which controls: "+join(catalogue.Profiles()))
	flags.StringVar(&f.controls, "controls", "", "only controls whose id matches this regular expression")
	flags.StringVar(&f.require, "require", string(catalogue.Isolation), "level that must hold for a certificate: isolation or hardening")
	flags.StringVar(&f.out, "out", "reports", "folder in which the run's own folder is made")
	flags.StringVar(&f.output, "output", "text", "what goes to standard output: text (a table) or json (the report)")
	flags.StringVar(&f.prometheusFile, "prometheus-file", "", "file for the figures of the run, in the folder of node_exporter's textfile collector")
	flags.StringVar(&f.config, "config", "", "YAML file with fields named as these flags; flags win")
	flags.StringVar(&f.registry, "image-registry", "", "registry and path to push katacert's images to, for an existing cluster")
	flags.BoolVar(&f.insecureRegistry, "insecure-registry", false, "allow plain HTTP to --image-registry")
	flags.BoolVar(&f.skipPush, "skip-image-push", false, "trust that --image-registry holds katacert's images already, from an earlier katacert images push")
	flags.StringVar(&f.pullSecret, "image-pull-secret", "", "NAMESPACE/NAME of the secret with which the nodes pull from --image-registry")
	flags.StringSliceVar(&f.tenantLabels, "tenant-label", nil, "KEY=VALUE that puts a label on the tenants' namespaces, for policies that select by it, repeatable")
	flags.StringVar(&f.storage, "storage-class", "", "StorageClass of the training job's volume (default: the cluster's)")
	flags.BoolVar(&f.keep, "keep-cluster", false, "leave the local or kind cluster that this run brought up running")
	flags.Float64Var(&f.scale, "timeout-scale", 1, "factor for every time-out, for slow clusters")
	_ = cmd.RegisterFlagCompletionFunc("profile", completions(catalogue.Profiles()))
	_ = cmd.RegisterFlagCompletionFunc("require", completions([]catalogue.Level{catalogue.Isolation, catalogue.Hardening}))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *certifyFlags) choice() catalogue.Choice {
	return catalogue.Choice{Profile: catalogue.Profile(f.profile), Controls: f.controls}
}

func (f *certifyFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	tenantLabels, err := certification.ParseTenantLabels(f.tenantLabels)
	if err != nil {
		return err
	}
	training, err := f.training.options()
	if err != nil {
		return err
	}
	progress := terminal.NewProgress(stderr, isTerminal(stderr))
	defer progress.Stop()
	options := certification.Options{
		Cluster:        certification.Cluster{Provider: f.cluster.provider, Name: f.cluster.name},
		RuntimeClasses: f.classes, Nodes: f.nodes, ReferenceRuntimeClass: f.reference,
		Choice: f.choice(), Require: catalogue.Level(f.require), StorageClass: f.storage, GPUResource: f.cluster.gpu.gpus.Resource, TenantLabels: tenantLabels,
		Training: training,
		Out:      f.out, Timeouts: certification.DefaultTimeouts(f.scale), Progress: progress, Version: version(),
		RunID: certification.NewRunID(time.Now()), // the cluster's name may carry it
	}
	closeCluster, err := f.ready(ctx, &options, progress)
	// The cluster is given back whatever happens, and before the report is
	// written: what stays behind belongs into it.
	var deaths []string
	giveBack := sync.OnceValue(func() error {
		if closeCluster == nil {
			return nil
		}
		if f.deaths != nil {
			deaths = f.deaths() // the cluster takes its record with it
		}
		progress.Phase("", "give the cluster back")
		return closeCluster(context.WithoutCancel(ctx)) // every provider bounds what it does
	})
	defer giveBack() //nolint:errcheck // only where no report can say so
	if errors.Is(err, errUsage) || errors.Is(err, certification.ErrUsage) {
		return err
	}
	var report *reports.Report
	if err != nil {
		if report, err = certification.Abort(options, err); err != nil {
			return err
		}
	} else if report, err = f.certify(ctx, options); err != nil {
		return err
	}
	report.Images = append(report.Images, f.nodeImages()...)
	if err := giveBack(); err != nil {
		report.Leftovers = append(report.Leftovers, "cluster "+options.Cluster.Name+": "+err.Error())
	}
	for _, death := range deaths {
		report.Notices = append(report.Notices, "A failure of the infrastructure, which says nothing about isolation: on the local cluster "+strings.ReplaceAll(death, "\n", " / "))
	}
	progress.Stop()
	return f.conclude(context.WithoutCancel(ctx), report, stdout, stderr)
}

// certify plans and runs the specs, which carry the certification out. Ginkgo's
// own output is dropped: the progress and the table say the same.
func (f *certifyFlags) certify(ctx context.Context, o certification.Options) (*reports.Report, error) {
	runner, report, err := certification.Prepare(ctx, o)
	if err != nil {
		if report != nil {
			return report, nil // the report says what went wrong
		}
		return nil, err
	}
	// What a killed run leaves is a report, too, and what a bundle is made of.
	if err := f.configuration.Write(runner.Dir()); err != nil {
		return nil, err
	}
	if _, err := reports.Write(runner.Dir(), certification.Unfinished(report)); err != nil {
		return nil, err
	}
	specs.Declare(runner.Plan(), o.Timeouts.Ending(), func(context.Context) *reports.Report {
		report = runner.Run(ctx)
		return report
	})
	formatter.ColorableStdOut = io.Discard
	gomega.RegisterFailHandler(ginkgo.Fail)
	suite, reporter := ginkgo.GinkgoConfiguration()
	suite.Timeout = 24 * time.Hour // the named time-outs bound a run
	ginkgo.RunSpecs(reported{}, "katacert", suite, reporter)
	if report.Run.Finished.IsZero() {
		return certification.CutOff(report), nil
	}
	return report, nil
}

// reported takes Ginkgo's word that a spec failed: the report says which, and the
// exit code follows the report.
type reported struct{}

func (reported) Fail() {}
