package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/cluster/local"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/access"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// ready reaches the cluster and brings katacert's images to it.
func (f *certifyFlags) ready(ctx context.Context, o *certification.Options, progress *terminal.Progress) (func(context.Context) error, error) {
	var c cluster.Cluster
	var set *images.Set
	var err error
	switch f.cluster.provider {
	case providerExisting:
		c, set, err = f.reachExisting(ctx, progress)
	case providerKind:
		c, set, err = f.reachKind(ctx, o.RunID, progress)
	default:
		c, set, err = f.reachLocal(ctx, progress)
	}
	if err != nil {
		return nil, err
	}
	o.Cluster = certification.Cluster{Provider: c.Provider(), Name: c.Name(), Config: c.RESTConfig()}
	if own, ok := c.(interface{ Disposable() bool }); ok {
		o.Cluster.Disposable = own.Disposable()
	}
	if mortal, ok := c.(interface{ Deaths(time.Time) []string }); ok {
		started := time.Now()
		f.deaths = func() []string { return mortal.Deaths(started) }
	}
	if slow, ok := c.(interface{ TimeoutScale() float64 }); ok {
		if scale := slow.TimeoutScale(); scale > o.Timeouts.Scale {
			progress.Note(fmt.Sprintf("a node of the cluster is emulated: every time-out is %g times as long", scale))
			o.Timeouts = certification.DefaultTimeouts(scale)
		}
	}
	progress.Phase("", "bring the images to the cluster")
	refs, err := bringImages(ctx, c, set, f.registry, f.insecureRegistry, f.skipPush)
	if err != nil {
		return c.Close, err
	}
	o.Images = certification.Images{Probe: refs[images.Probe], Trainer: refs[images.Trainer], Manifests: manifests(set, refs)}
	if _, loaded := c.(cluster.ImageLoader); loaded && f.registry == "" {
		o.Images.PullPolicy = corev1.PullNever
	}
	if err := f.bringTrainingImage(ctx, c, o); err != nil {
		return c.Close, err
	}
	if err := f.bringGPUProbe(ctx, c, o, progress); err != nil {
		return c.Close, err
	}
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
	c, err := f.cluster.openLocal(ctx, set, f.keep, f.scale, progress)
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
	if f.registry == "" {
		return nil, nil, usagef("an existing cluster needs --image-registry PREFIX, from which its nodes can pull katacert's images (%s)", join(images.Names()))
	}
	if err := f.mayCertify(ctx, c); err != nil {
		return nil, nil, err
	}
	arches, err := architectures(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	progress.Phase("", "build the images")
	set, err := images.Build(ctx, images.Options{Arch: arches, Progress: notes{progress}})
	return c, set, err
}

// mayCertify makes sure that the user may do what the run does, before images are
// built and pushed.
func (f *certifyFlags) mayCertify(ctx context.Context, c cluster.Cluster) error {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return fmt.Errorf("make a client for cluster %s: %w", c.Name(), err)
	}
	controls, err := catalogue.Select(certification.Catalogue(), f.choice())
	if err != nil {
		return usagef("%v", err)
	}
	secret, err := parseSecret(f.pullSecret)
	if err != nil {
		return err
	}
	return certification.CheckAccess(ctx, client, certification.Cluster{Name: c.Name(), Config: c.RESTConfig()}, controls, access.Extras{Secret: secret, Script: f.training.image != ""}, certification.DefaultTimeouts(f.scale))
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
	named, err := parseSecret(f.pullSecret)
	if err != nil {
		return nil, err
	}
	secret, err := client.CoreV1().Secrets(named.Namespace).Get(ctx, named.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the pull secret %s: %w", f.pullSecret, err)
	}
	return secret, nil
}
