package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/certification"
)

// gpuNode is a node with GPUs of a resource.
func gpuNode(name, arch, advertised string, labels map[string]string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	node.Status.NodeInfo.Architecture = arch
	if advertised != "" {
		node.Status.Allocatable = corev1.ResourceList{corev1.ResourceName(advertised): resource.MustParse("2")}
	}
	return node
}

// gpu-probe is built for the nodes that have real GPUs, and for nobody else.
func TestWhoNeedsGPUProbe(t *testing.T) {
	simulated := map[string]string{pods.LabelSimulatedGPUs: "2"}
	for name, test := range map[string]struct {
		controls string
		nodes    []string
		there    []*corev1.Node
		want     []string
	}{
		"no node has any":        {there: []*corev1.Node{gpuNode("a", "amd64", "", nil)}},
		"simulated ones":         {there: []*corev1.Node{gpuNode("a", "amd64", pods.GPUResource, simulated)}},
		"real ones":              {there: []*corev1.Node{gpuNode("a", "amd64", pods.GPUResource, nil), gpuNode("b", "amd64", pods.GPUResource, nil)}, want: []string{"amd64"}},
		"of both architectures":  {there: []*corev1.Node{gpuNode("a", "amd64", pods.GPUResource, nil), gpuNode("b", "arm64", pods.GPUResource, nil)}, want: []string{"amd64", "arm64"}},
		"of another resource":    {there: []*corev1.Node{gpuNode("a", "amd64", pods.PassedOnGPUResource, nil)}},
		"on a node that is left": {nodes: []string{"a"}, there: []*corev1.Node{gpuNode("a", "amd64", "", nil), gpuNode("b", "amd64", pods.GPUResource, nil)}},
		"no control of GPUs":     {controls: "^kernel-", there: []*corev1.Node{gpuNode("a", "amd64", pods.GPUResource, nil)}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &certifyFlags{profile: "certification", controls: test.controls, nodes: test.nodes}
			f.cluster.gpu.gpus.Resource = pods.GPUResource
			client := fake.NewClientset()
			for _, node := range test.there {
				if err := client.Tracker().Add(node); err != nil {
					t.Fatal(err)
				}
			}
			arches, err := f.gpuArches(t.Context(), client)
			if err != nil || !slices.Equal(arches, test.want) {
				t.Errorf("got %v (%v), want %v", arches, err, test.want)
			}
			if test.controls != "" && len(client.Actions()) > 0 {
				t.Errorf("asked the cluster %d times for nothing", len(client.Actions()))
			}
		})
	}
}

// A machine that cannot build gpu-probe certifies the rest, and its report says why the
// GPUs were not used; a run that was stopped is stopped.
func TestGoingOnWithoutGPUProbe(t *testing.T) {
	var o certification.Options
	progress := terminal.NewProgress(io.Discard, false)
	defer progress.Stop()
	cause := errors.New("there is no C compiler for linux/amd64")
	if err := withoutGPUProbe(t.Context(), &o, cause, progress); err != nil || !strings.Contains(o.Images.NoGPUProbe, cause.Error()) {
		t.Errorf("got %v, the report says %q", err, o.Images.NoGPUProbe)
	}
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	if err := withoutGPUProbe(stopped, &o, cause, progress); err == nil || err.Error() != "interrupted" {
		t.Errorf("got %v", err)
	}
}
