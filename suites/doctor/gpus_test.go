package doctor

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/katacert/katacert/fixtures/nvidia/installed"
)

// errRefused is what a user is told who may not list.
var errRefused = errors.New("refused")

func daemonSet(name, container, image string, labels map[string]string) appsv1.DaemonSet {
	set := appsv1.DaemonSet{}
	set.Namespace, set.Name, set.Labels = "kube-system", name, labels
	set.Spec.Template.Spec.Containers = []corev1.Container{{Name: container, Image: image}}
	set.Status.DesiredNumberScheduled, set.Status.NumberReady = 1, 1
	return set
}

// holding gives a node a resource.
func holding(n *corev1.Node, name corev1.ResourceName, capacity, healthy string) *corev1.Node {
	if n.Status.Capacity == nil {
		n.Status.Capacity, n.Status.Allocatable = corev1.ResourceList{}, corev1.ResourceList{}
	}
	n.Status.Capacity[name], n.Status.Allocatable[name] = resource.MustParse(capacity), resource.MustParse(healthy)
	return n
}

// The mend for Kata depends on how far the GPU Operator is.
func TestGPUs(t *testing.T) {
	kubevirt := &installed.Operator{Name: "policy", State: "ready", Sandboxes: true, Mode: "kubevirt"}
	kata := &installed.Operator{Name: "policy", State: "ready", Sandboxes: true, Mode: "kata"}
	plain := func(labels ...string) *corev1.Node {
		n := holding(node("one", nil), installed.GPU, "2", "2")
		for _, label := range labels {
			key, value, _ := strings.Cut(label, "=")
			n.Labels[key] = value
		}
		return n
	}
	for what, c := range map[string]struct {
		node     *corev1.Node
		operator *installed.Operator
		state    State
		says     string
		mend     string
	}{
		"none":                 {node: node("one", nil)},
		"no operator":          {plain(), nil, Missing, "2 nvidia.com/gpu, by the ordinary device plugin (workload container)", "sandboxWorkloads.mode=kata"},
		"for another":          {plain(), kubevirt, Missing, "2 nvidia.com/gpu", "in the GPU Operator's ClusterPolicy policy"},
		"node without a label": {plain(), kata, Missing, "2 nvidia.com/gpu", "label the node nvidia.com/gpu.workload.config=vm-passthrough"},
		"node being prepared":  {plain("nvidia.com/gpu.workload.config=vm-passthrough"), kata, Missing, "workload vm-passthrough", "kata-sandbox-device-plugin"},
		"both ways":            {holding(plain(), "nvidia.com/GH100_H100_PCIE", "8", "7"), kata, OK, "2 nvidia.com/gpu, 7 of 8 nvidia.com/GH100_H100_PCIE, to be passed", ""},
		"none healthy":         {holding(node("one", nil), installed.PGPU, "8", "0"), kata, Missing, "0 of 8 nvidia.com/pgpu: none is healthy", "log of the device plugin"},
		"only a label":         {node("one", func(n *corev1.Node) { n.Labels[installed.LabelPresent] = "true" }), nil, Missing, "and none is allocatable", "katacert gpu install"},
	} {
		t.Run(what, func(t *testing.T) {
			d := &Diagnosis{}
			d.gpus(*c.node, &facts{operator: c.operator})
			got := d.finding("node one", nameGPU)
			if got.State != c.state || !strings.Contains(got.Detail, c.says) || !strings.Contains(got.Mend, c.mend) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestWhoAdvertisesGPUs(t *testing.T) {
	n := holding(node("one", nil), installed.GPU, "2", "2")
	n.Labels["nvidia.com/gpu.product"], n.Labels["nvidia.com/cuda.driver-version.full"] = "NVIDIA-L4", "570.1"
	n.Labels["nvidia.com/gpu.sharing-strategy"], n.Labels["nvidia.com/gpu.deploy.device-plugin"] = "time-slicing", "true"
	d := &Diagnosis{}
	d.gpus(*n, &facts{operator: &installed.Operator{Name: "policy", State: "ready"}, daemonSets: []appsv1.DaemonSet{
		daemonSet("plugin", "nvidia-device-plugin-ctr", "nvcr.io/nvidia/k8s-device-plugin:v0.20.0", nil),
		daemonSet("sandbox", "ctr", "nvcr.io/nvidia/cloud-native/nvidia-sandbox-device-plugin:v0.0.5", nil),
	}})
	for name, says := range map[string]string{
		"gpu-plugin":   "kube-system/plugin (nvcr.io/nvidia/k8s-device-plugin:v0.20.0), ready on 1 of 1 nodes",
		"gpu-operator": "it puts onto the node: device-plugin",
		"gpu-labels":   "NVIDIA-L4, driver 570.1",
		"gpu-sharing":  "(time-slicing), which nothing isolates",
	} {
		if got := d.finding("node one", name); !strings.Contains(got.Detail, says) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, f := range d.Findings {
		if strings.Contains(f.Detail, "sandbox-device-plugin") {
			t.Errorf("what advertises none of the node's: %+v", f)
		}
	}
	d = &Diagnosis{}
	d.gpus(*n, &facts{daemonSetsErr: errRefused})
	if got := d.finding("node one", "gpu-plugin"); got.State != Unknown || got.Mend == "" {
		t.Errorf("refused: %+v", got)
	}
}

func TestKataVersionByItsDaemonSet(t *testing.T) {
	const digest = "@sha256:1"
	for what, c := range map[string]struct {
		label string
		sets  []appsv1.DaemonSet
		err   error
		state State
		says  string
	}{
		"tag":           {"true", []appsv1.DaemonSet{daemonSet("kata-deploy", "kube-kata", "quay.io/kata-containers/kata-deploy:4.1.0"+digest, nil)}, nil, OK, "4.1.0 is what DaemonSet kube-system/kata-deploy (quay.io"},
		"port and tag":  {"true", []appsv1.DaemonSet{daemonSet("kata-deploy", "kube-kata", "mirror:5000/kata-deploy:3.30.0", nil)}, nil, OK, "3.30.0 is what"},
		"label":         {"true", []appsv1.DaemonSet{daemonSet("kata-deploy", "kube-kata", "quay.io/kata-containers/kata-deploy"+digest, map[string]string{"app.kubernetes.io/version": "4.1.0"})}, nil, OK, "4.1.0 is what"},
		"chart's label": {"true", []appsv1.DaemonSet{daemonSet("kata-deploy", "kube-kata", "quay.io/kata-containers/kata-deploy"+digest, map[string]string{"helm.sh/chart": "kata-deploy-4.0.0"})}, nil, OK, "4.0.0 is what"},
		"digest alone":  {"true", []appsv1.DaemonSet{daemonSet("kata-deploy", "kube-kata", "quay.io/kata-containers/kata-deploy"+digest, nil)}, nil, Unknown, "does not tell which it installs"},
		"no DaemonSet":  {"true", []appsv1.DaemonSet{daemonSet("other", "other", "other:1", nil)}, nil, Unknown, "no DaemonSet of kata-deploy"},
		"refused":       {"true", nil, errRefused, Unknown, "may not be listed"},
		"by hand":       {"", nil, nil, Unknown, "kata-deploy does not say that it installed them"},
	} {
		t.Run(what, func(t *testing.T) {
			n := node("one", nil, "kata-qemu")
			if c.label != "" {
				n.Labels[labelKata] = c.label
			}
			d := &Diagnosis{}
			d.kataDeploy(*n, &facts{daemonSets: c.sets, daemonSetsErr: c.err})
			got := d.finding("node one", nameVersion)
			if got.State != c.state || !strings.Contains(got.Detail, c.says) || (got.Mend == witnessTells) != (c.state == Unknown) {
				t.Errorf("got %+v", got)
			}
		})
	}
}
