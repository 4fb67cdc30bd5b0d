package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/gomega"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/specs"
)

// certifyFlags are the flags of certify; a configuration file has the same.
type certifyFlags struct {
	cluster                          clusterFlags
	classes, nodes                   []string
	reference, profile, controls     string
	require, out, output, config     string
	registry, pullSecret, storage    string
	insecureRegistry, skipPush, keep bool
	scale                            float64
}

func newCertify() *cobra.Command {
	f := &certifyFlags{}
	cmd := &cobra.Command{
		Use:   "certify",
		Short: "Certify the sandbox RuntimeClasses of a cluster",
		Long: `Certify puts pods on every chosen node: a witness that knows the truth, plain
pods that must be seen to detect the node, and tenants' pods under the
RuntimeClass in question, which must not. It writes report.html, report.json,
junit.xml, summary.md and evidence.jsonl into a folder of its own below --out.`,
		Example: `  katacert certify
  katacert certify --profile quick --runtime-class gvisor
  katacert certify --cluster existing --context prod --image-registry registry.example/katacert
  katacert certify --config katacert.yaml --require hardening`,
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
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.cluster.register(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.classes, "runtime-class", nil, "RuntimeClass to certify, repeatable (default: every sandbox class of the cluster)")
	flags.StringSliceVar(&f.nodes, "nodes", nil, "nodes to certify (default: every ready node)")
	flags.StringVar(&f.reference, "reference-runtime-class", "", "RuntimeClass that runs plain containers (default: runc where there is one, else the nodes' default)")
	flags.StringVar(&f.profile, "profile", string(catalogue.Nightly), "which controls: "+join(catalogue.Profiles()))
	flags.StringVar(&f.controls, "controls", "", "only controls whose id matches this regular expression")
	flags.StringVar(&f.require, "require", string(catalogue.Isolation), "level that must hold for a certificate: isolation or hardening")
	flags.StringVar(&f.out, "out", "reports", "folder in which the run's own folder is made")
	flags.StringVar(&f.output, "output", "text", "what goes to standard output: text (a table) or json (the report)")
	flags.StringVar(&f.config, "config", "", "YAML file with fields named as these flags; flags win")
	flags.StringVar(&f.registry, "image-registry", "", "registry and path to push katacert's images to, for an existing cluster")
	flags.BoolVar(&f.insecureRegistry, "insecure-registry", false, "allow plain HTTP to --image-registry")
	flags.BoolVar(&f.skipPush, "skip-image-push", false, "trust that --image-registry holds katacert's images already, from an earlier katacert images push")
	flags.StringVar(&f.pullSecret, "image-pull-secret", "", "NAMESPACE/NAME of the secret with which the nodes pull from --image-registry")
	flags.StringVar(&f.storage, "storage-class", "", "StorageClass of the training job's volume (default: the cluster's)")
	flags.BoolVar(&f.keep, "keep-cluster", false, "leave a local cluster that this run brought up running")
	flags.Float64Var(&f.scale, "timeout-scale", 1, "factor for every time-out, for slow clusters")
	_ = cmd.RegisterFlagCompletionFunc("profile", completions(catalogue.Profiles()))
	_ = cmd.RegisterFlagCompletionFunc("require", completions([]catalogue.Level{catalogue.Isolation, catalogue.Hardening}))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *certifyFlags) check(cmd *cobra.Command) error {
	if err := f.cluster.check(cmd); err != nil {
		return err
	}
	if _, err := catalogue.Select(certification.Catalogue(), f.choice()); err != nil {
		return usagef("%v", err)
	}
	if !slices.Contains([]string{string(catalogue.Isolation), string(catalogue.Hardening)}, f.require) {
		return usagef("unknown --require %q: choose isolation or hardening", f.require)
	}
	if !slices.Contains([]string{"text", "json"}, f.output) {
		return usagef("unknown --output %q: choose text or json", f.output)
	}
	if err := checkScale(f.scale); err != nil {
		return err
	}
	if f.pullSecret != "" && strings.Count(f.pullSecret, "/") != 1 {
		return usagef("--image-pull-secret %q: give it as NAMESPACE/NAME", f.pullSecret)
	}
	return nil
}

func (f *certifyFlags) choice() catalogue.Choice {
	return catalogue.Choice{Profile: catalogue.Profile(f.profile), Controls: f.controls}
}

func (f *certifyFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	progress := terminal.NewProgress(stderr, isTerminal(stderr))
	defer progress.Stop()
	options := certification.Options{
		Cluster:        certification.Cluster{Provider: f.cluster.provider, Name: f.cluster.name},
		RuntimeClasses: f.classes, Nodes: f.nodes, ReferenceRuntimeClass: f.reference,
		Choice: f.choice(), Require: catalogue.Level(f.require), StorageClass: f.storage,
		Out: f.out, Timeouts: certification.DefaultTimeouts(f.scale), Progress: progress, Version: version(),
	}
	closeCluster, err := f.ready(ctx, &options, progress)
	// The cluster is given back whatever happens, and before the report is
	// written: what stays behind belongs into it.
	giveBack := sync.OnceValue(func() error {
		if closeCluster == nil {
			return nil
		}
		progress.Phase("", "give the cluster back")
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), options.Timeouts.Cleanup)
		defer cancel()
		return closeCluster(done)
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
	if err := giveBack(); err != nil {
		report.Leftovers = append(report.Leftovers, "cluster "+options.Cluster.Name+": "+err.Error())
	}
	progress.Stop()
	return f.conclude(report, stdout, stderr)
}

// ready reaches the cluster and brings katacert's images to it.
func (f *certifyFlags) ready(ctx context.Context, o *certification.Options, progress *terminal.Progress) (func(context.Context) error, error) {
	reach := f.reachLocal
	if f.cluster.provider == providerExisting {
		reach = f.reachExisting
	}
	c, set, err := reach(ctx, progress)
	if err != nil {
		return nil, err
	}
	o.Cluster = certification.Cluster{Provider: c.Provider(), Name: c.Name(), Config: c.RESTConfig()}
	if own, ok := c.(*local.Cluster); ok {
		o.Cluster.Disposable = own.Disposable()
	}
	progress.Phase("", "bring the images to the cluster")
	refs, err := bringImages(ctx, c, set, f.registry, f.insecureRegistry, f.skipPush)
	if err != nil {
		return c.Close, err
	}
	o.Images = certification.Images{Probe: refs[images.Probe], Trainer: refs[images.Trainer], Manifests: manifests(set, refs)}
	o.Images.PullSecret, err = f.readPullSecret(ctx, c)
	return c.Close, err
}

// reachLocal builds the images first, because the cluster needs one to run pods.
func (f *certifyFlags) reachLocal(ctx context.Context, progress *terminal.Progress) (cluster.Cluster, *images.Set, error) {
	if err := local.Require(ctx); err != nil {
		return nil, nil, err // before the time to build images is spent
	}
	progress.Phase("", "build the images")
	set, err := images.Build(ctx, images.Options{Progress: notes{progress}})
	if err != nil {
		return nil, nil, err
	}
	progress.Phase("", "bring up the cluster")
	c, err := f.cluster.openLocal(ctx, set, f.keep, notes{progress})
	return c, set, err
}

// reachExisting looks at the cluster first, because its nodes say for which
// architectures to build.
func (f *certifyFlags) reachExisting(ctx context.Context, progress *terminal.Progress) (cluster.Cluster, *images.Set, error) {
	progress.Phase("", "reach the cluster")
	c, err := f.cluster.openExisting()
	if err != nil {
		return nil, nil, err
	}
	arches, err := architectures(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if f.registry == "" {
		return nil, nil, usagef("an existing cluster needs --image-registry PREFIX, from which its nodes can pull katacert's images (%s)", join(images.Names()))
	}
	progress.Phase("", "build the images")
	set, err := images.Build(ctx, images.Options{Arch: arches, Progress: notes{progress}})
	return c, set, err
}

// manifests lists the digests of an image's platforms by that of its index.
func manifests(set *images.Set, refs map[string]string) map[string][]string {
	digests := map[string][]string{}
	for _, info := range set.List() {
		_, index, _ := strings.Cut(refs[info.Name], "@")
		digests[index] = append(digests[index], info.Digest)
	}
	return digests
}

func (f *certifyFlags) readPullSecret(ctx context.Context, c cluster.Cluster) (*corev1.Secret, error) {
	if f.pullSecret == "" {
		return nil, nil
	}
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return nil, fmt.Errorf("make a client for cluster %s: %w", c.Name(), err)
	}
	namespace, name, _ := strings.Cut(f.pullSecret, "/")
	secret, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the pull secret %s: %w", f.pullSecret, err)
	}
	return secret, nil
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
	specs.Declare(runner.Plan(), func(context.Context) *reports.Report {
		report = runner.Run(ctx)
		return report
	})
	formatter.ColorableStdOut = io.Discard
	gomega.RegisterFailHandler(ginkgo.Fail)
	suite, reporter := ginkgo.GinkgoConfiguration()
	suite.Timeout = 24 * time.Hour // the named time-outs bound a run
	ginkgo.RunSpecs(reported{}, "katacert", suite, reporter)
	return report, nil
}

// reported takes Ginkgo's word that a spec failed: the report says which, and the
// exit code follows the report.
type reported struct{}

func (reported) Fail() {}

// conclude writes the reports, shows the verdicts and chooses the exit code.
func (f *certifyFlags) conclude(report *reports.Report, stdout, stderr io.Writer) error {
	dir := filepath.Join(f.out, report.Run.ID)
	written, writeErr := reports.Write(dir, report)
	if f.output == "json" {
		writer, err := reports.Format("json")
		if err == nil {
			err = writer.Write(stdout, report)
		}
		if err != nil {
			return fmt.Errorf("write the report to standard output: %w", err)
		}
	} else if err := terminal.Table(stdout, report, terminal.Options{Color: isTerminal(stdout), Width: width(stdout), Files: written}); err != nil {
		return fmt.Errorf("show the verdicts: %w", err)
	}
	if _, cause := report.Cause(); cause != "" {
		fmt.Fprintln(stderr, "katacert: "+cause)
	}
	if writeErr != nil {
		fmt.Fprintln(stderr, "katacert: "+writeErr.Error())
		return &outcomeError{exitPartial}
	}
	if code := exitCode(report); code != exitCertified {
		return &outcomeError{code}
	}
	return nil
}

func exitCode(r *reports.Report) int {
	switch {
	case r.Outcome == reports.NotCertified:
		return exitNotCertified
	case r.Outcome != reports.Certified:
		return exitPartial
	case len(r.Leftovers) > 0:
		return exitLeftovers
	default:
		return exitCertified
	}
}

// notes turns lines written to it into notes of the progress.
type notes struct{ progress *terminal.Progress }

func (n notes) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			n.progress.Note(line)
		}
	}
	return len(p), nil
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func width(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil {
			return columns
		}
	}
	return 100
}

func hostArch() string { return runtime.GOARCH }

func join[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}

func completions[T ~string](items []T) cobra.CompletionFunc {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return cobra.FixedCompletions(texts, cobra.ShellCompDirectiveNoFileComp)
}
