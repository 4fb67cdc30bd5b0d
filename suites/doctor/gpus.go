package doctor

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/katacert/katacert/fixtures/nvidia/installed"
)

const nameGPU = "gpu"

// gpus finds by which way GPUs of the node reach pods, and who advertises them. The
// ordinary device plugin's do not lead into a virtual machine: there the sandbox device
// plugin advertises GPUs that are bound to vfio-pci.
func (d *Diagnosis) gpus(n corev1.Node, f *facts) {
	about, node := aboutNode(n.Name), installed.NodeOf(&n)
	if !node.Shows() {
		return
	}
	passed, plain := healthy(node.By(installed.Passthrough)), healthy(node.By(installed.Container))
	mend := installGPUs(node, f.operator)
	switch {
	case len(passed) > 0:
		d.add(about, nameGPU, OK, list(append(passed, plain...), installed.Resource.String)+", to be passed into virtual machines by VFIO", "")
	case len(plain) > 0:
		d.add(about, nameGPU, Missing, fmt.Sprintf("%s, by the ordinary device plugin (workload %s)", list(plain, installed.Resource.String), cmp.Or(node.Workload, "container")),
			"this reaches runc and gVisor, and no Kata VM: "+mend)
	case len(node.By(installed.Passthrough))+len(node.By(installed.Container)) > 0:
		d.add(about, nameGPU, Missing, list(append(node.By(installed.Passthrough), node.By(installed.Container)...), installed.Resource.String)+": none is healthy", "see the log of the device plugin on the node")
	case node.PresentBy != "":
		d.add(about, nameGPU, Missing, "a GPU is there by label "+node.PresentBy+", and none is allocatable",
			"for runc and gVisor: katacert gpu install; for Kata: "+mend+"; where a device plugin is there, see its log")
	}
	d.gpuPlugins(about, node, f)
	d.gpuTold(about, node)
}

// healthy are resources of which at least one can be allocated.
func healthy(resources []installed.Resource) []installed.Resource {
	var found []installed.Resource
	for _, r := range resources {
		if r.Allocatable > 0 {
			found = append(found, r)
		}
	}
	return found
}

// installGPUs says how whole GPUs come to Kata on a node, from where the GPU Operator
// stands now.
func installGPUs(node installed.Node, operator *installed.Operator) string {
	switch {
	case operator == nil:
		return "bind the GPUs to vfio-pci and run NVIDIA's sandbox device plugin, which advertises nvidia.com/pgpu; the GPU Operator does both with sandboxWorkloads.enabled=true and sandboxWorkloads.mode=kata"
	case !operator.Sandboxes || operator.Mode != "kata":
		return "set sandboxWorkloads.enabled=true and sandboxWorkloads.mode=kata in the GPU Operator's ClusterPolicy " + operator.Name
	case node.Workload != "vm-passthrough":
		return "label the node " + installed.LabelWorkload + "=vm-passthrough, so that the GPU Operator binds its GPUs to vfio-pci"
	}
	return "see the GPU Operator's pods on the node (vfio-manager, kata-sandbox-device-plugin)"
}

// gpuPlugins adds who advertises the node's GPUs, as far as the cluster tells.
func (d *Diagnosis) gpuPlugins(about string, node installed.Node, f *facts) {
	const name = "gpu-plugin"
	if f.operator != nil {
		detail := f.operator.String()
		if len(node.Deploys) > 0 {
			detail += "; it puts onto the node: " + strings.Join(node.Deploys, ", ")
		}
		d.add(about, "gpu-operator", OK, detail, "")
	}
	if f.daemonSetsErr != nil {
		d.add(about, name, Unknown, "the DaemonSets may not be listed", "ask as a user who may list daemonsets.apps in all namespaces")
		return
	}
	for _, plugin := range installed.PluginsOf(f.daemonSets) {
		switch {
		case len(node.By(plugin.Way)) == 0:
		case plugin.Ready < plugin.Desired:
			d.add(about, name, Missing, plugin.String(), "see its pods that are not ready")
		default:
			d.add(about, name, OK, plugin.String(), "")
		}
	}
}

// gpuTold adds what labels tell of the GPUs, and what is shared among tenants.
func (d *Diagnosis) gpuTold(about string, node installed.Node) {
	var told []string
	for _, text := range []struct{ what, value string }{{"", node.Product}, {"driver ", node.Driver}, {"MIG strategy ", node.MIG}, {"workload ", node.Workload}} {
		if text.value != "" {
			told = append(told, text.what+text.value)
		}
	}
	if len(told) > 0 {
		d.add(about, "gpu-labels", OK, strings.Join(told, ", "), "")
	}
	if node.Sharing != "" && node.Sharing != "none" {
		d.add(about, "gpu-sharing", Missing, "one GPU is given to several containers ("+node.Sharing+"), which nothing isolates from each other",
			"give tenants whole GPUs or MIG parts: take sharing out of the device plugin's configuration")
	}
}
