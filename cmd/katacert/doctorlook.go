package main

import (
	"context"
	"io"
	"time"

	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/doctor"
)

// letWitnessLook brings katacert's images to the cluster, as a certification does,
// and adds to the diagnosis what the witness sees on the nodes.
func (f *doctorFlags) letWitnessLook(ctx context.Context, diagnosis *doctor.Diagnosis, options doctor.Options, stderr io.Writer) error {
	progress := terminal.NewProgress(stderr, isTerminal(stderr))
	defer progress.Stop()
	reach := certifyFlags{
		cluster:  clusterFlags{provider: providerExisting, kubeconfig: f.kubeconfig, context: f.context},
		registry: f.registry, insecureRegistry: f.insecureRegistry, skipPush: f.skipPush, pullSecret: f.pullSecret,
		profile: string(catalogue.Quick), scale: f.scale,
	}
	run := certification.Options{
		Cluster: options.Cluster, ReferenceRuntimeClass: f.reference, Timeouts: options.Timeouts,
		Progress: progress, RunID: certification.NewRunID(time.Now()), Version: version(),
	}
	if _, err := reach.ready(ctx, &run, progress); err != nil {
		return err
	}
	options.Image = run.Images.Probe
	return doctor.Look(ctx, diagnosis, options, run)
}
