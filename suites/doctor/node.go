package doctor

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/katacert/katacert/suites/certification"
)

// witnessTells is the mend of what the API server does not know.
const witnessTells = "let the witness look: katacert doctor --look"

// node finds what the API server knows of a node.
func (d *Diagnosis) node(n corev1.Node) {
	about, info := aboutNode(n.Name), n.Status.NodeInfo
	if why := certification.Unusable(n); why != "" {
		d.add(about, "state", Problem, why, "make it ready and schedulable, or leave it out with --nodes")
	} else {
		d.add(about, "state", OK, "ready", "")
	}
	d.add(about, "system", OK, fmt.Sprintf("%s, kernel %s, %s", info.OSImage, info.KernelVersion, info.Architecture), "")
	d.runtime(about, info)
	d.handlers(about, n)
	d.virtualisation(about, n)
}

// runtime finds the container runtime. katacert reads the configuration and the shims
// of two.
func (d *Diagnosis) runtime(about string, info corev1.NodeSystemInfo) {
	switch name, _, _ := strings.Cut(info.ContainerRuntimeVersion, "://"); name {
	case "containerd":
		d.add(about, "container-runtime", OK, info.ContainerRuntimeVersion, "")
	case "cri-o":
		d.add(about, "container-runtime", OK, info.ContainerRuntimeVersion+": it passes every annotation of a pod on to the shim, so kata-config-passed-annotations will be a finding", "")
	default:
		d.add(about, "container-runtime", Missing, info.ContainerRuntimeVersion,
			"controls that read shims and the container runtime's configuration (runtimeclass-handler, vm-binding, kata-config-*) need containerd or CRI-O; they are errors with another")
	}
}

// handlers finds what the node's runtime says that it can run.
func (d *Diagnosis) handlers(about string, n corev1.Node) {
	names := handlersOf(n)
	if len(names) == 0 {
		d.add(about, "handlers", Unknown, "the node lists no handlers", "Kubernetes from 1.30, with containerd from 2.0 or CRI-O from 1.31, list them; "+witnessTells)
		return
	}
	d.add(about, "handlers", OK, strings.Join(names, ", ")+" (listed; whether their shims exist only a pod shows)", "")
}

func handlersOf(n corev1.Node) []string {
	var names []string
	for _, h := range n.Status.RuntimeHandlers {
		if h.Name != "" {
			names = append(names, h.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Labels and resources by which others say that a node can run virtual machines.
const (
	// labelVMX and labelSVM, labelIOMMU are Node Feature Discovery's.
	labelVMX   = "feature.node.kubernetes.io/cpu-cpuid.VMX"
	labelSVM   = "feature.node.kubernetes.io/cpu-cpuid.SVM"
	labelIOMMU = "feature.node.kubernetes.io/iommu.enabled"
)

// virtualisation finds what labels tell of it.
func (d *Diagnosis) virtualisation(about string, n corev1.Node) {
	told := func(labels ...string) string {
		for _, label := range labels {
			if n.Labels[label] == "true" {
				return label
			}
		}
		return ""
	}
	if by := told(labelVMX, labelSVM); by != "" {
		d.add(about, "virtualisation", OK, "the processor has it, by label "+by+"; /dev/kvm is not told by the API server", "")
	} else {
		d.add(about, "virtualisation", Unknown, "no label tells of KVM, IOMMU and vhost-vsock", witnessTells)
	}
	if by := told(labelIOMMU); by != "" {
		d.add(about, "iommu", OK, "by label "+by, "")
	}
}
