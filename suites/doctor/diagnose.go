package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/fixtures/nvidia/installed"
	"github.com/katacert/katacert/suites/access"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// Options say which cluster is looked at, and how.
type Options struct {
	// Cluster is how to reach it.
	Cluster certification.Cluster
	// RuntimeClasses and Nodes that matter; empty for all that a certification would
	// take.
	RuntimeClasses, Nodes []string
	// Image is what the pods of the dry runs name: that of a certification, where its
	// registry is known, because admission may judge by it.
	Image string
	// Extras are what a certification would do besides its controls.
	Extras access.Extras
	// Timeouts bound each request.
	Timeouts certification.Timeouts
	// Controls are those of the catalogue.
	Controls []catalogue.Control
}

// facts are what the API server told, each with the error in its place.
type facts struct {
	version    apiversion.Info
	user       string
	nodes      []corev1.Node
	classes    []nodev1.RuntimeClass
	storage    []storagev1.StorageClass
	missing    []access.Missing
	nodesErr   error
	classesErr error
	storageErr error
	missingErr error
	dryRuns    []dryRun
	// daemonSets are those of all namespaces, policies the GPU Operator's. Not every
	// user may list them, and they only say more.
	daemonSets    []appsv1.DaemonSet
	daemonSetsErr error
	operator      *installed.Operator
}

// Diagnose asks the API server and concludes. It changes nothing. The error says
// that the cluster was not reached at all.
func Diagnose(ctx context.Context, o Options) (*Diagnosis, error) {
	client, err := newClient(o.Cluster.Config)
	if err != nil {
		return nil, fmt.Errorf("make a client for cluster %s: %w", o.Cluster.Name, err)
	}
	f := &facts{}
	if f.version, err = o.serverVersion(ctx, client); err != nil {
		return nil, certification.Unreachable(o.Cluster, err)
	}
	o.ask(ctx, client, f)
	if err := o.named(f); err != nil {
		return nil, err
	}
	o.askOperator(ctx, f)
	f.dryRuns = o.tryPods(ctx, client, f, dryRunNamespace)
	return o.conclude(f), nil
}

// newClient makes a client for a burst of requests, that keeps the API server's
// warnings about dry runs to itself.
func newClient(config *rest.Config) (kubernetes.Interface, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 100, 200
	config.WarningHandler = rest.NoWarnings{}
	return kubernetes.NewForConfig(config)
}

// serverVersion is also how it shows whether the cluster answers.
func (o Options) serverVersion(ctx context.Context, client kubernetes.Interface) (version apiversion.Info, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeouts.Request)
	defer cancel()
	answer, err := client.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return version, err
	}
	return version, json.Unmarshal(answer, &version)
}

// ask asks for everything else, at once.
func (o Options) ask(ctx context.Context, client kubernetes.Interface, f *facts) {
	var group errgroup.Group
	ask := func(do func(context.Context)) {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, o.Timeouts.Request)
			defer cancel()
			do(ctx)
			return nil
		})
	}
	ask(func(ctx context.Context) { f.user = access.Name(ctx, client) })
	ask(func(ctx context.Context) { f.missing, f.missingErr = access.Check(ctx, client, access.Table(o.Extras)) })
	ask(func(ctx context.Context) {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if f.nodesErr = err; err == nil {
			f.nodes = list.Items
		}
	})
	ask(func(ctx context.Context) {
		list, err := client.NodeV1().RuntimeClasses().List(ctx, metav1.ListOptions{})
		if f.classesErr = err; err == nil {
			f.classes = list.Items
		}
	})
	ask(func(ctx context.Context) {
		list, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
		if f.storageErr = err; err == nil {
			f.storage = list.Items
		}
	})
	ask(func(ctx context.Context) {
		list, err := client.AppsV1().DaemonSets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
		if f.daemonSetsErr = err; err == nil {
			f.daemonSets = list.Items
		}
	})
	_ = group.Wait() // what goes wrong is among the facts
}

// askOperator asks for the GPU Operator where a node shows a GPU. A user who may not
// read it is told less, and nothing else depends on it.
func (o Options) askOperator(ctx context.Context, f *facts) {
	if !slices.ContainsFunc(f.nodes, func(n corev1.Node) bool { return installed.NodeOf(&n).Shows() }) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeouts.Request)
	defer cancel()
	if policies, err := dynamic.NewForConfig(o.Cluster.Config); err == nil {
		f.operator, _ = installed.FindOperator(ctx, policies)
	}
}

// named makes sure that what the user named is there, and keeps only that.
func (o Options) named(f *facts) error {
	for _, name := range o.RuntimeClasses {
		if f.classesErr == nil && !slices.ContainsFunc(f.classes, func(c nodev1.RuntimeClass) bool { return c.Name == name }) {
			return fmt.Errorf("%w: unknown RuntimeClass %q: the cluster has %s", certification.ErrUsage, name, list(f.classes, func(c nodev1.RuntimeClass) string { return c.Name }))
		}
	}
	for _, name := range o.Nodes {
		if f.nodesErr == nil && !slices.ContainsFunc(f.nodes, func(n corev1.Node) bool { return n.Name == name }) {
			return fmt.Errorf("%w: unknown node %q: the cluster has %s", certification.ErrUsage, name, list(f.nodes, func(n corev1.Node) string { return n.Name }))
		}
	}
	f.nodes = slices.DeleteFunc(f.nodes, func(n corev1.Node) bool { return len(o.Nodes) > 0 && !slices.Contains(o.Nodes, n.Name) })
	f.classes = slices.DeleteFunc(f.classes, func(c nodev1.RuntimeClass) bool {
		if len(o.RuntimeClasses) > 0 {
			return !slices.Contains(o.RuntimeClasses, c.Name)
		}
		return certification.Plain(c)
	})
	return nil
}

// conclude makes the diagnosis of the facts.
func (o Options) conclude(f *facts) *Diagnosis {
	d := &Diagnosis{Schema: Schema, Targets: []Target{}, Cluster: Cluster{
		Name: o.Cluster.Name, Server: o.Cluster.Config.Host, Kubernetes: f.version.GitVersion, User: f.user,
	}}
	o.cluster(d, f)
	d.admission(f.dryRuns)
	for _, n := range f.nodes {
		d.node(n)
		d.kataDeploy(n, f)
		d.gpus(n, f)
	}
	for _, c := range f.classes {
		d.class(c, f.nodes)
	}
	for _, n := range f.nodes {
		for _, c := range f.classes {
			d.Targets = append(d.Targets, target(n, c))
		}
	}
	if len(f.classes) == 0 && f.classesErr == nil {
		d.add(aboutCluster, "runtimeclasses", Problem, "there is no RuntimeClass of a sandbox",
			"install Kata Containers or another sandbox, with a RuntimeClass for its handler (https://kubernetes.io/docs/concepts/containers/runtime-class/)")
	}
	d.sort()
	return d
}

// list joins names for a message.
func list[T any](items []T, name func(T) string) string {
	if len(items) == 0 {
		return "none"
	}
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = name(item)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// oneLine is an error on one line.
func oneLine(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the API server did not answer in time"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// stamp names what dry runs would make; nothing of that name ever exists.
func stamp() string { return "doctor-" + certification.NewRunID(time.Now()) }
