package main

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/cluster"
	"github.com/katacert/katacert/fixtures/images"
	"github.com/katacert/katacert/reports/terminal"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// bringGPUProbe builds the image with gpu-probe and brings it to the cluster, where a
// node that may be certified has real GPUs and a chosen control is about them. Without
// it everything else is certified all the same, and the controls that need it say why.
func (f *certifyFlags) bringGPUProbe(ctx context.Context, c cluster.Cluster, o *certification.Options, progress *terminal.Progress) error {
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return fmt.Errorf("make a client for cluster %s: %w", c.Name(), err)
	}
	arches, err := f.gpuArches(ctx, client)
	if err != nil || len(arches) == 0 {
		return err
	}
	progress.Phase("", "bring gpu-probe to the cluster")
	set, err := images.Build(ctx, images.Options{Arch: arches, Names: []string{images.GPUProbe}, Progress: notes{progress}})
	if err != nil {
		return withoutGPUProbe(ctx, o, err, progress)
	}
	refs, err := bringImages(ctx, c, set, f.registry, f.insecureRegistry, f.skipPush)
	if err != nil {
		return withoutGPUProbe(ctx, o, err, progress)
	}
	o.Images.GPUProbe = refs[images.GPUProbe]
	for index, digests := range manifests(set, refs) {
		o.Images.Manifests[index] = append(o.Images.Manifests[index], digests...)
	}
	return nil
}

// withoutGPUProbe goes on without the image, unless the run was stopped.
func withoutGPUProbe(ctx context.Context, o *certification.Options, err error, progress *terminal.Progress) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	o.Images.NoGPUProbe = err.Error()
	progress.Note("the nodes' GPUs will not compute, because there is no image with gpu-probe: " + err.Error())
	return nil
}

// gpuArches lists the architectures of the nodes for which gpu-probe is needed.
func (f *certifyFlags) gpuArches(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	controls, err := catalogue.Select(certification.Catalogue(), f.choice())
	if err != nil {
		return nil, usagef("%v", err)
	}
	if !slices.ContainsFunc(controls, func(c catalogue.Control) bool { return c.Group == catalogue.GPU }) {
		return nil, nil
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the nodes, to learn which have GPUs: %w", err)
	}
	var arches []string
	for _, node := range nodes.Items {
		arch := node.Status.NodeInfo.Architecture
		chosen := len(f.nodes) == 0 || slices.Contains(f.nodes, node.Name)
		if chosen && certification.RealGPUs(node, f.cluster.gpu.gpus.Resource) && slices.Contains(images.Arches(), arch) && !slices.Contains(arches, arch) {
			arches = append(arches, arch)
		}
	}
	return arches, nil
}
