// Package selftest is the test of the suite itself: it certifies a sound cluster,
// on which no control may fire without cause, and then one mutant after the other,
// each of which must be caught by the controls that are there for it.
package selftest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/katacert/katacert/fixtures/mutants"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// Options says what to try, and where.
type Options struct {
	Mutants []mutants.Mutant
	// Open brings up one of the clusters, with katacert's images in it.
	Open func(ctx context.Context, which mutants.Cluster) (Site, error)
	// Out is the folder in which the self-test's own folder is made.
	Out      string
	Timeouts certification.Timeouts
	Progress certification.Progress
	Version  string
}

// Site is a cluster that is ready for runs.
type Site struct {
	Cluster certification.Cluster
	Images  certification.Images
	Close   func(context.Context) error
}

// soundClass is what the sound set-up certifies.
const soundClass = "gvisor"

// Run certifies the sound set-up and the chosen mutants. The result is whole
// whatever happened: a trial that could not be made says why.
func Run(ctx context.Context, o Options) *Result {
	started := time.Now().UTC()
	r := &Result{
		Schema: Schema, ID: "selftest-" + certification.NewRunID(started), Version: o.Version, Started: started,
		Whole: len(o.Mutants) == len(mutants.All()),
	}
	o.Progress.Plan(len(o.Mutants) + 1)
	for _, which := range mutants.Clusters() {
		chosen := slices.DeleteFunc(slices.Clone(o.Mutants), func(m mutants.Mutant) bool { return m.Cluster != which })
		if len(chosen) == 0 && which != mutants.Sound {
			continue
		}
		o.onCluster(ctx, r, which, chosen)
	}
	if r.Whole {
		r.Recorded = judgeRecordings(certification.Catalogue())
	}
	r.Finished = time.Now().UTC()
	r.conclude(certification.Catalogue())
	return r
}

// onCluster makes the trials of one cluster.
func (o Options) onCluster(ctx context.Context, r *Result, which mutants.Cluster, chosen []mutants.Mutant) {
	o.Progress.Phase("", fmt.Sprintf("bring up the %s cluster", which))
	site, err := o.Open(ctx, which)
	if err != nil {
		err = fmt.Errorf("bring up the %s cluster: %w", which, err)
	}
	if which == mutants.Sound {
		r.Sound = o.trial(ctx, r, site, err, nil)
	}
	for i := range chosen {
		r.Trials = append(r.Trials, o.trial(ctx, r, site, err, &chosen[i]))
	}
	if site.Close == nil {
		return
	}
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Timeouts.Cleanup)
	defer cancel()
	if err := site.Close(done); err != nil {
		r.Leftovers = append(r.Leftovers, fmt.Sprintf("cluster %s: %v", which, err))
	}
}

// trial certifies one mutant, or the sound set-up where there is none.
func (o Options) trial(ctx context.Context, r *Result, site Site, failure error, m *mutants.Mutant) Trial {
	t := Trial{mutant: m, Verdicts: map[string]Verdict{}}
	class, choice := soundClass, catalogue.Choice{Profile: catalogue.Destructive}
	if m != nil {
		t.Mutant, t.Broken, t.Means, t.Cluster = m.ID, m.Broken, m.Means, string(m.Cluster)
		choice = chosen(*m)
		if m.RuntimeClass != "" {
			class = m.RuntimeClass
		}
	}
	t.RuntimeClass = class
	defer o.Progress.Done(1)
	if failure == nil && ctx.Err() != nil {
		failure = context.Cause(ctx)
	}
	if failure != nil {
		t.Failure = failure.Error()
		return t
	}
	start := time.Now()
	name := t.Mutant
	if name == "" {
		name = "sound set-up"
	}
	report, err := certify(ctx, certification.Options{
		Cluster: site.Cluster, Images: site.Images, RuntimeClasses: []string{class}, Choice: choice, Require: catalogue.Isolation,
		Out: filepath.Join(o.Out, r.ID), Timeouts: o.Timeouts, Progress: within{o.Progress, name}, Version: o.Version, Mutant: m, AwaitPods: true,
	})
	t.Took = time.Since(start)
	if err != nil {
		t.Failure = err.Error()
	}
	if report != nil {
		t.read(report)
		r.Leftovers = append(r.Leftovers, report.Leftovers...)
	}
	return t
}

// chosen are the controls that look at a mutant. Training is left out: it takes
// long, and shows itself able to fail in every run. So are GPUs where they are not what
// is broken: pods that ask for them are further ones.
func chosen(m mutants.Mutant) catalogue.Choice {
	choice := catalogue.Choice{Profile: catalogue.Certification}
	if m.Destructive {
		choice.Profile = catalogue.Destructive
	}
	var ids []string
	for _, c := range certification.Catalogue() {
		if c.In(choice.Profile) && !c.NeedsTraining && (c.Group != catalogue.GPU || slices.Contains(m.Only, c.ID)) && (len(m.Only) == 0 || slices.Contains(m.Only, c.ID)) {
			ids = append(ids, regexp.QuoteMeta(c.ID))
		}
	}
	choice.Controls = "^(" + strings.Join(ids, "|") + ")$"
	return choice
}

// certify runs a certification and writes its reports.
func certify(ctx context.Context, o certification.Options) (*reports.Report, error) {
	runner, report, err := certification.Prepare(ctx, o)
	if err != nil {
		return report, err
	}
	report = runner.Run(ctx)
	_, writeErr := reports.Write(runner.Dir(), report)
	for _, cause := range []string{report.Run.SetupError, report.Run.Interrupted} {
		if cause != "" {
			return report, errors.Join(errors.New(cause), writeErr)
		}
	}
	return report, writeErr
}

// within shows the progress of one trial as a part of the whole's.
type within struct {
	certification.Progress
	trial string
}

func (w within) Plan(int)              {}
func (w within) Done(int)              {}
func (w within) Phase(_, phase string) { w.Progress.Phase(w.trial, phase) }
