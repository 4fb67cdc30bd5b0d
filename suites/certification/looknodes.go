package certification

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
)

// NodeLook is what the witness saw on one node: a record for each handler that was
// asked about, or why there is none.
type NodeLook struct {
	Node string
	// Engine is what the kubelet says of its container runtime ("containerd://2.4.2").
	Engine  string
	Records map[string]evidence.Record
	Err     error
}

// Inspection is a look at nodes by the witness alone, without a certification.
type Inspection struct {
	Options
	// Nodes are looked at, each once for every one of the Handlers.
	Nodes    []corev1.Node
	Handlers []string
	// Probes are those that do more than look and are wanted all the same.
	Probes []string
	// Inside is called with the namespace for privileged pods before the witness
	// starts; nil for nothing.
	Inside func(ctx context.Context, namespace string)
}

// Inspect lets the witness look, and removes what it made. What could not be removed
// is left, by name. Nothing is planted.
func Inspect(ctx context.Context, i Inspection) (looks []NodeLook, left []string, err error) {
	r := &runner{o: i.Options, watch: newWatcher(), secret: newSecret()}
	if err := r.connect(); err != nil {
		return nil, nil, err
	}
	classes, err := r.client.NodeV1().RuntimeClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("list the RuntimeClasses of the cluster: %w", err)
	}
	r.plan.Controls = []catalogue.Control{{ID: "inspection", OptIn: i.Probes}}
	if r.plan.Reference, err = chooseReference(classes.Items, i.ReferenceRuntimeClass); err != nil {
		return nil, nil, err
	}
	namespace := pods.Namespace(r.o.RunID, "node", pods.PodSecurityPrivileged)
	namespace.Annotations = map[string]string{annotationOwner: thisProcess().String()}
	r.namespaces.node = namespace.Name
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer func() {
		var failure error
		left, failure = removeRuns(context.WithoutCancel(ctx), r.client, r.o.Timeouts.Cleanup, func(run string, _ process) bool { return run == pods.LabelValue(r.o.RunID) })
		if failure != nil {
			err = errors.Join(err, fmt.Errorf("remove namespace %s: %w", namespace.Name, failure))
		}
	}()
	if err := r.makeNamespace(ctx, namespace); err != nil {
		return nil, nil, err
	}
	if i.Inside != nil {
		i.Inside(ctx, namespace.Name)
	}
	if err := r.watch.start(watching, r.client, r.o.RunID, []string{namespace.Name}); err != nil {
		return nil, nil, err
	}
	looks = make([]NodeLook, len(i.Nodes))
	var group errgroup.Group
	group.SetLimit(nodesAtOnce)
	for n, node := range i.Nodes {
		group.Go(func() error {
			looks[n] = r.inspect(ctx, node, i.Handlers)
			return nil
		})
	}
	_ = group.Wait() // what goes wrong is in the looks
	return looks, nil, nil
}

// inspect lets the witness look on one node, once for each handler.
func (r *runner) inspect(ctx context.Context, node corev1.Node, handlers []string) NodeLook {
	look := NodeLook{Node: node.Name, Engine: node.Status.NodeInfo.ContainerRuntimeVersion, Records: map[string]evidence.Record{}}
	t := &targetRun{r: r, target: Target{ID: node.Name, Node: node}, seed: newSecret(), given: map[string]string{}}
	witness := t.prepare(evidence.Witness)
	t.seats = []*seat{witness}
	r.o.Progress.Phase(node.Name, "the witness looks")
	if t.start(ctx, witness); witness.err != nil {
		look.Err = witness.err
		return look
	}
	for _, handler := range handlers {
		t.target.Class = nodev1.RuntimeClass{Handler: handler}
		record := t.look(ctx, witness, evidence.Look)
		t.check(&record)
		if record.Error != "" {
			look.Err = errors.New(record.Error)
			return look
		}
		look.Records[handler] = record
	}
	return look
}

// connect makes the run's client.
func (r *runner) connect() error {
	config := counting(r.o.Cluster.Config, &r.requests)
	// Rounds are bursts: every vantage of every target at once.
	config.QPS, config.Burst = 200, 400
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for cluster %s: %w", r.o.Cluster.Name, err)
	}
	r.client, r.exec = client, executor{config: config, client: client}
	return nil
}
