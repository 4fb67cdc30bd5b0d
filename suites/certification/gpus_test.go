package certification

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
)

// withGPUs advertises GPUs.
func withGPUs(name string, n int64) func(*corev1.Node) {
	return func(node *corev1.Node) {
		node.Status.Allocatable = corev1.ResourceList{corev1.ResourceName(name): *resource.NewQuantity(n, resource.DecimalSI)}
	}
}

// gpuTarget is a target of all controls on a node, and what runs there.
func gpuTarget(t *testing.T, o Options, node *corev1.Node, running ...*corev1.Pod) *targetRun {
	t.Helper()
	client := fake.NewClientset()
	for _, pod := range running {
		if err := client.Tracker().Add(pod); err != nil {
			t.Fatal(err)
		}
	}
	o.RunID, o.Timeouts = "run", DefaultTimeouts(1)
	r := &runner{o: o, client: client, plan: Plan{Controls: Catalogue()}}
	for _, c := range r.plan.Controls {
		r.plan.Vantages = append(r.plan.Vantages, c.Vantages()...)
	}
	return &targetRun{r: r, target: Target{ID: "a/kata", Node: *node}}
}

// holder is a pod on the node that holds a GPU.
func holder(run string, phase corev1.PodPhase) *corev1.Pod {
	pod := pods.GPU(pods.Options{Run: run, Namespace: "other", Name: "holder-" + run + string(phase), Node: "a"}, evidence.GPUSubject, pods.GPUResource, 1)
	pod.Spec.NodeName, pod.Status.Phase = "a", phase
	return pod
}

func TestWhoIsGivenGPUs(t *testing.T) {
	tenants := []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUReference, evidence.GPUUnrequested}
	simulated := labelled(pods.LabelSimulatedGPUs, "3")
	for name, test := range map[string]struct {
		o       Options
		node    *corev1.Node
		running []*corev1.Pod
		want    []evidence.Vantage
		says    string
	}{
		"none":                             {node: node("a")},
		"one":                              {node: node("a", withGPUs(pods.GPUResource, 1)), want: []evidence.Vantage{evidence.GPUSubject, evidence.GPUUnrequested}, says: "the node has 1 of nvidia.com/gpu"},
		"three":                            {node: node("a", withGPUs(pods.GPUResource, 3)), want: tenants},
		"others hold two":                  {node: node("a", withGPUs(pods.GPUResource, 3)), running: []*corev1.Pod{holder("x", corev1.PodRunning), holder("y", corev1.PodPending)}, want: []evidence.Vantage{evidence.GPUSubject, evidence.GPUUnrequested}, says: "2 of which are in use by others"},
		"the dead and our own hold none":   {node: node("a", withGPUs(pods.GPUResource, 3)), running: []*corev1.Pod{holder("x", corev1.PodSucceeded), holder("run", corev1.PodRunning)}, want: tenants},
		"passed to machines":               {o: Options{GPUResource: pods.PassedOnGPUResource}, node: node("a", withGPUs(pods.PassedOnGPUResource, 8)), want: []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUUnrequested}, says: "plain containers cannot use"},
		"of a model":                       {o: Options{GPUResource: "nvidia.com/GH100_H100_PCIE"}, node: node("a", withGPUs("nvidia.com/GH100_H100_PCIE", 8)), want: []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUUnrequested}, says: "plain containers cannot use"},
		"parts of GPUs":                    {o: Options{GPUResource: "nvidia.com/mig-1g.10gb"}, node: node("a", withGPUs("nvidia.com/mig-1g.10gb", 7)), want: tenants},
		"passed to machines, in pretence":  {o: Options{GPUResource: pods.PassedOnGPUResource}, node: node("a", withGPUs(pods.PassedOnGPUResource, 3), simulated), want: tenants},
		"others hold all":                  {node: node("a", withGPUs(pods.GPUResource, 1)), running: []*corev1.Pod{holder("x", corev1.PodRunning)}, says: "1 of which are in use by others"},
		"asked for under another resource": {o: Options{GPUResource: "nvidia.com/other"}, node: node("a", withGPUs(pods.GPUResource, 3))},
	} {
		t.Run(name, func(t *testing.T) {
			target := gpuTarget(t, test.o, test.node, test.running...)
			share := target.gpuShare(context.Background())
			if share.failure != "" {
				t.Fatal(share.failure)
			}
			var given []evidence.Vantage
			withheld := ""
			if share.allocatable > 0 {
				given, withheld = target.chooseGPUVantages(share)
			}
			if !slices.Equal(given, test.want) || !strings.Contains(withheld, test.says) || test.says == "" && withheld != "" {
				t.Errorf("%v get GPUs (%s), want %v (%s)", given, withheld, test.want, test.says)
			}
		})
	}
}

// A node without GPUs costs no request, and no pod.
func TestNodesWithoutGPUsCostNothing(t *testing.T) {
	target := gpuTarget(t, Options{}, node("a"))
	if share := target.gpuShare(context.Background()); share != (gpuShare{}) {
		t.Errorf("%+v", share)
	}
	if n := len(target.r.client.(*fake.Clientset).Actions()); n > 0 {
		t.Errorf("%d requests", n)
	}
	if given, _ := target.chooseGPUVantages(gpuShare{}); len(given) > 0 || target.givesGPUs() {
		t.Errorf("%v get GPUs", given)
	}
}

// A GPU group that nobody chose asks for nothing, whatever the node has.
func TestUnchosenGPUsAreLeftAlone(t *testing.T) {
	target := gpuTarget(t, Options{}, node("a", withGPUs(pods.GPUResource, 8), labelled(pods.LabelSimulatedGPUs, "8")))
	target.r.plan.Controls = slices.DeleteFunc(target.r.plan.Controls, func(c catalogue.Control) bool { return c.Group == catalogue.GPU })
	target.r.plan.Targets = []Target{target.target}
	if target.r.plan.gpus() || target.r.targetsWithGPUs() != 0 || len(target.r.aboutGPUs()) > 0 || target.r.plan.needsRelease() {
		t.Error("GPUs are asked for")
	}
}
