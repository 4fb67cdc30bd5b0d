package certification

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/katacert/katacert/fixtures/nvidia/installed"
	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
)

// gpuResource is the extended resource by which pods ask for GPUs.
func (o Options) gpuResource() string { return cmp.Or(o.GPUResource, pods.GPUResource) }

// gpus says whether the plan has controls over GPUs.
func (p Plan) gpus() bool {
	return slices.ContainsFunc(p.Controls, func(c catalogue.Control) bool { return c.Group == catalogue.GPU })
}

// gpuShare is what a run may have of a node's GPUs.
type gpuShare struct {
	allocatable int64
	// busy are in the hands of pods that are not the run's.
	busy int64
	// training are those of the run's own training pods.
	training int64
	// simulated is how many GPUs of the node are katacert's own stand-ins.
	simulated int64
	// failure says why it is not known how many are busy.
	failure string
}

func (s gpuShare) free() int64 { return max(0, s.allocatable-s.busy-s.training) }

// gpuShare asks what GPUs the target's node has, and how many of them others hold.
// A node without GPUs costs no request.
func (t *targetRun) gpuShare(ctx context.Context) gpuShare {
	resource := t.r.o.gpuResource()
	quantity := t.target.Node.Status.Allocatable[corev1.ResourceName(resource)]
	share := gpuShare{allocatable: quantity.Value()}
	if t.r.plan.needs(evidence.Trainer) {
		share.training = t.r.o.Training.GPUs
	}
	if share.allocatable == 0 {
		return share
	}
	// A label that is no number stands for a plugin of katacert's all the same.
	if label, ok := t.target.Node.Labels[pods.LabelSimulatedGPUs]; ok {
		n, _ := strconv.ParseInt(label, 10, 64)
		share.simulated = max(1, n)
	}
	for _, s := range t.seats { // none of them is there for its GPU but those that train
		if s.pod != nil {
			share.training += pods.GPUs(s.pod, resource)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, t.r.o.Timeouts.Request)
	defer cancel()
	list, err := t.r.client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.nodeName", t.target.Node.Name).String(),
	})
	if err != nil {
		share.failure = fmt.Sprintf("list the pods of node %s, to learn whose its GPUs are: %v", t.target.Node.Name, err)
		return share
	}
	t.r.noteDevicePlugins(list.Items)
	for i := range list.Items {
		pod := &list.Items[i]
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if !ended && pod.Labels[pods.LabelRun] != pods.LabelValue(t.r.o.RunID) {
			share.busy += pods.GPUs(pod, resource)
		}
	}
	return share
}

// chooseGPUVantages decides which of the plan's vantages about GPUs the node has room
// for, and says why not for the rest. The tenants come first; the plain pod needs a GPU
// that plain containers can use.
func (t *targetRun) chooseGPUVantages(share gpuShare) (given []evidence.Vantage, withheld string) {
	resource, room := t.r.o.gpuResource(), share.free()
	wanted := t.r.plan.Vantages
	for _, v := range []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUReference} {
		switch {
		case !slices.Contains(wanted, v):
			continue
		case v == evidence.GPUReference && installed.WayOf(resource) != installed.Container && share.simulated == 0:
			withheld = fmt.Sprintf("plain containers cannot use GPUs that are asked for as %s", resource)
			continue
		case room == 0:
			withheld = fmt.Sprintf("the node has %d of %s, %d of which are in use by others and %d by training pods", share.allocatable, resource, share.busy, share.training)
			continue
		}
		given = append(given, v)
		room--
	}
	if len(given) > 0 && slices.Contains(wanted, evidence.GPUUnrequested) {
		given = append(given, evidence.GPUUnrequested)
	}
	return given, withheld
}

// gpuProgram is the path of the program that computes on GPUs, in the image that has it.
const gpuProgram = "/gpu-probe"

// computes says whether the target's node has GPUs that compute, and pods of the run the
// program that lets them. Simulated ones are looked at by the program of all other pods.
func (t *targetRun) computes() bool {
	return t.share.allocatable > 0 && t.share.simulated == 0 && t.r.o.Images.GPUProbe != ""
}

// gpuImage chooses what a pod with GPUs runs, and by which program it looks.
func (t *targetRun) gpuImage(s *seat, o *pods.Options) {
	if t.computes() {
		s.image, s.program = t.r.o.Images.GPUProbe, gpuProgram
		o.Image = s.image
	}
}

// RealGPUs says whether a node has GPUs of a resource that are none of katacert's own
// stand-ins.
func RealGPUs(node corev1.Node, resource string) bool {
	quantity := node.Status.Allocatable[corev1.ResourceName(resource)]
	_, simulated := node.Labels[pods.LabelSimulatedGPUs]
	return quantity.Value() > 0 && !simulated
}

// gpuPod makes the pod of a vantage about GPUs, not yet created.
func (t *targetRun) gpuPod(v evidence.Vantage, o pods.Options) (*corev1.Pod, error) {
	switch v {
	case evidence.GPUReference:
	case evidence.GPUNeighbour, evidence.GPUSuccessor, evidence.GPUSurvivor:
		o.Namespace, o.RuntimeClass = t.r.namespaces.tenantB, t.target.Class.Name
	case evidence.GPUSubject, evidence.GPUUnrequested:
		o.Namespace, o.RuntimeClass = t.r.namespaces.tenantA, t.target.Class.Name
	default:
		return nil, fmt.Errorf("there is no pod for vantage %q", v)
	}
	switch v {
	case evidence.GPUUnrequested:
		return pods.UnrequestedGPU(o), nil
	case evidence.GPUSuccessor, evidence.GPUSurvivor: // whatever GPUs the dead one had
		return pods.GPU(o, v, t.r.o.gpuResource(), max(1, t.share.free())), nil
	default:
		return pods.GPU(o, v, t.r.o.gpuResource(), 1), nil
	}
}

// gpuObservation is what katacert knows of the target's GPUs by itself.
func (t *targetRun) gpuObservation() evidence.Observation {
	const probe = "gpus"
	if t.share.failure != "" {
		return evidence.Observation{Probe: probe, State: evidence.Failed, Detail: t.share.failure}
	}
	var given []string
	for _, s := range t.seats {
		if s.vantage.GPU() {
			given = append(given, string(s.vantage))
		}
	}
	return evidence.Observation{Probe: probe, State: evidence.Seen, Values: evidence.Values{
		"resource":    evidence.Text(t.r.o.gpuResource()),
		"allocatable": evidence.Number(t.share.allocatable),
		"busy":        evidence.Number(t.share.busy),
		"simulated":   evidence.Number(t.share.simulated),
		"given":       evidence.List(given...),
		"withheld":    evidence.Text(t.withheld),
		"no_program":  evidence.Text(t.r.o.noGPUProgram()),
	}}
}

// noGPUProgram says why pods have no program that computes on GPUs; empty where they
// have it.
func (o Options) noGPUProgram() string {
	if o.Images.GPUProbe != "" {
		return ""
	}
	return cmp.Or(o.Images.NoGPUProbe, "katacert's image with gpu-probe was not built")
}

// targetsWithGPUs counts the targets whose nodes advertise GPUs, where the plan asks
// for any.
func (r *runner) targetsWithGPUs() int {
	n := 0
	for _, t := range r.plan.Targets {
		if quantity := t.Node.Status.Allocatable[corev1.ResourceName(r.o.gpuResource())]; r.plan.gpus() && quantity.Value() > 0 {
			n++
		}
	}
	return n
}

// aboutGPUs says which nodes have GPUs that are none.
func (r *runner) aboutGPUs() []string {
	var notices []string
	for _, t := range r.plan.Targets {
		label, simulated := t.Node.Labels[pods.LabelSimulatedGPUs]
		if !r.plan.gpus() || !simulated {
			continue
		}
		notice := fmt.Sprintf("GPUs: the %s GPUs of node %s are simulated by katacert's own device plugin: allocation and release are tried for real, and nothing is said of computing and of memory.", label, t.Node.Name)
		if !slices.Contains(notices, notice) {
			notices = append(notices, notice)
		}
	}
	return notices
}

// gpuSeats are those that look at GPUs.
func (t *targetRun) gpuSeats() []*seat {
	return slices.DeleteFunc(slices.Clone(t.seats), func(s *seat) bool { return !s.vantage.GPU() })
}
