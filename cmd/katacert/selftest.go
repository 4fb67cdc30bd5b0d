package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/fixtures/mutants"
	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/selftest"
)

// selftestFlags are the flags of selftest.
type selftestFlags struct {
	mutants, out, output, name string
	list                       bool
	scale                      float64
}

func newSelftest() *cobra.Command {
	f := &selftestFlags{}
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Test the suite against set-ups that are broken on purpose",
		Long: `Selftest brings up local clusters of its own and breaks them on purpose, one
mutant after the other: a handler that is really runc, a RuntimeClass dropped on
admission, the node's root in a tenant's pod, a probe that lies. Every mutant must
be caught by the controls that are there for it, and on the sound set-up nothing
may fire. Evidence that was recorded from sandboxes of Kata Containers is judged
again, as it was and broken on purpose, for the faults that only such a node can have.
It writes selftest.html, selftest.md and selftest.json, the matrix of controls by
mutants, into a folder of its own below --out, with the reports of every run.

Exit codes: 0 every mutant caught and no false alarm, 1 a mutant survived, a
control fired without cause or is unproven, 3 a trial could not be made, 4
something that was made could not be removed.`,
		Example: `  katacert selftest
  katacert selftest --list
  katacert selftest --mutants '^(handler-is-runc|no-policies)$'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := mutants.Select(f.mutants)
			if err != nil {
				return usagef("--mutants: %v", err)
			}
			if !slices.Contains([]string{"text", "json"}, f.output) {
				return usagef("unknown --output %q: choose text or json", f.output)
			}
			if err := checkScale(f.scale); err != nil {
				return err
			}
			if f.list {
				return listMutants(cmd.OutOrStdout(), chosen)
			}
			if err := checkOut(f.out); err != nil {
				return err
			}
			for _, m := range chosen {
				if err := local.ValidateName(f.clusterName(m.Cluster)); err != nil {
					return usagef("--name: %v", err)
				}
			}
			return f.run(cmd.Context(), chosen, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.mutants, "mutants", "", "only mutants whose id matches this regular expression")
	flags.BoolVar(&f.list, "list", false, "say what each mutant breaks and which controls must catch it, and stop")
	flags.StringVar(&f.name, "name", "selftest", "what the names of the local clusters begin with")
	flags.StringVar(&f.out, "out", "reports", "folder in which the self-test's own folder is made")
	flags.StringVar(&f.output, "output", "text", "what goes to standard output: text or json")
	flags.Float64Var(&f.scale, "timeout-scale", 1, "factor for every time-out, for slow machines")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func listMutants(w io.Writer, all []mutants.Mutant) error {
	for _, m := range all {
		if _, err := fmt.Fprintf(w, "%s\n  broken     %s\n  made by    %s\n  caught by  %s\n", m.ID, m.Broken, m.Means, strings.Join(m.Caught, ", ")); err != nil {
			return fmt.Errorf("list the mutants: %w", err)
		}
	}
	for _, t := range recordings.Trials() {
		if _, err := fmt.Fprintf(w, "%s (recorded)\n  broken     %s\n  made by    a change of evidence recorded on another node: %s\n  caught by  %s\n", t.ID, t.Broken, t.Of, strings.Join(t.Caught, ", ")); err != nil {
			return fmt.Errorf("list the recordings: %w", err)
		}
	}
	return nil
}

func (f *selftestFlags) run(ctx context.Context, chosen []mutants.Mutant, stdout, stderr io.Writer) error {
	progress := terminal.NewProgress(stderr, isTerminal(stderr))
	defer progress.Stop()
	if err := local.Require(ctx); err != nil {
		return err
	}
	progress.Phase("", "build the images")
	set, err := images.Build(ctx, images.Options{Progress: notes{progress}})
	if err != nil {
		return err
	}
	result := selftest.Run(ctx, selftest.Options{
		Mutants: chosen, Out: f.out, Timeouts: certification.DefaultTimeouts(f.scale), Progress: progress, Version: version(),
		Open: func(ctx context.Context, which mutants.Cluster) (selftest.Site, error) {
			return f.open(ctx, which, set, progress)
		},
	})
	progress.Stop()
	written, err := result.Write(filepath.Join(f.out, result.ID), certification.Catalogue())
	if err != nil {
		return err
	}
	if f.output == "json" {
		data, err := result.JSON()
		if err != nil {
			return err
		}
		if _, err := stdout.Write(data); err != nil {
			return fmt.Errorf("write the result to standard output: %w", err)
		}
	} else {
		result.Text(stdout)
		fmt.Fprintf(stdout, "reports  %s\n", strings.Join(written, "\n         "))
	}
	for _, what := range result.Leftovers {
		fmt.Fprintln(stderr, "katacert: left behind: "+judge.Printable(what, 400))
	}
	return selftestOutcome(result)
}

// open brings up a cluster that ends with this process.
func (f *selftestFlags) open(ctx context.Context, which mutants.Cluster, set *images.Set, progress *terminal.Progress) (selftest.Site, error) {
	pause, err := set.Image(images.Pause, hostArch())
	if err != nil {
		return selftest.Site{}, err
	}
	c, err := local.Up(ctx, local.Options{
		Name: f.clusterName(which), Ephemeral: true, PauseImage: pause, TimeoutScale: f.scale, Broken: which.Options(), GPUs: which.SimulatedGPUs(),
		Progress: progress.Note, Working: progress.Working,
	})
	if err != nil {
		return selftest.Site{}, err
	}
	// Nobody waits for a run's namespaces to go: they go with the cluster.
	site := selftest.Site{Cluster: certification.Cluster{Provider: c.Provider(), Name: c.Name(), Config: c.RESTConfig(), Disposable: true}, Close: c.Close}
	refs, err := bringImages(ctx, c, set, "", false, false)
	if err != nil {
		return site, err
	}
	site.Images = certification.Images{Probe: refs[images.Probe], Trainer: refs[images.Trainer], Manifests: manifests(set, refs)}
	return site, nil
}

func selftestOutcome(r *selftest.Result) error {
	outcome, _ := r.Outcome()
	switch {
	case outcome == selftest.Blunt:
		return &outcomeError{exitNotCertified}
	case outcome == selftest.Cut:
		return &outcomeError{exitPartial}
	case len(r.Leftovers) > 0:
		return &outcomeError{exitLeftovers}
	default:
		return nil
	}
}

// clusterName is that of one of the self-test's clusters.
func (f *selftestFlags) clusterName(which mutants.Cluster) string {
	return f.name + "-" + string(which)
}
