package doctor

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"

	"github.com/katacert/katacert/suites/certification"
)

// class finds what a RuntimeClass lacks.
func (d *Diagnosis) class(c nodev1.RuntimeClass, nodes []corev1.Node) {
	about := aboutClass(c.Name)
	d.add(about, "handler", OK, c.Handler+kindOf(c.Handler), "")
	var memory string
	if c.Overhead != nil && !c.Overhead.PodFixed.Memory().IsZero() {
		memory = c.Overhead.PodFixed.Memory().String()
	}
	if memory == "" {
		d.add(about, "overhead", Missing, "the class counts no memory for the sandbox itself: runtimeclass-overhead will be a finding",
			"set overhead.podFixed; kata-deploy sets 320Mi and 250m for QEMU, 130Mi and 250m for Cloud Hypervisor, Firecracker and Dragonball")
	} else {
		d.add(about, "overhead", OK, fmt.Sprintf("%s of memory, %s of CPU", memory, c.Overhead.PodFixed.Cpu()), "")
	}
	d.scheduling(about, c, nodes)
}

// scheduling finds whether the class keeps its pods away from nodes that cannot run
// them.
func (d *Diagnosis) scheduling(about string, c nodev1.RuntimeClass, nodes []corev1.Node) {
	var fits, wrong []string
	for _, n := range nodes {
		if !certification.Schedulable(c, n) {
			continue
		}
		fits = append(fits, n.Name)
		if names := handlersOf(n); len(names) > 0 && !slices.Contains(names, c.Handler) {
			wrong = append(wrong, n.Name)
		}
	}
	switch {
	case len(fits) == 0 && len(nodes) > 0:
		d.add(about, "scheduling", Problem, "no node has the labels of its nodeSelector", "label the nodes that have the handler, or mend scheduling.nodeSelector")
	case len(wrong) > 0:
		d.add(about, "scheduling", Problem, fmt.Sprintf("its pods may come to %s, which do not list handler %s", strings.Join(wrong, ", "), c.Handler),
			"install the runtime there, or keep its pods away by scheduling.nodeSelector")
	case len(fits) > 0:
		d.add(about, "scheduling", OK, fmt.Sprintf("%d of %d nodes", len(fits), len(nodes)), "")
	}
}

// hypervisors by the part of a handler's name by which kata-deploy calls its shims.
var hypervisors = []struct{ part, name string }{
	{"qemu", "QEMU"}, {"clh", "Cloud Hypervisor"}, {"cloud-hypervisor", "Cloud Hypervisor"}, {"fc", "Firecracker"}, {"firecracker", "Firecracker"},
	{"dragonball", "Dragonball"}, {"stratovirt", "StratoVirt"}, {"remote", "a hypervisor elsewhere"},
}

// kindOf guesses what a handler is by its name, and says so.
func kindOf(handler string) string {
	if handler == "runsc" || strings.HasPrefix(handler, "gvisor") {
		return ", gVisor by its name"
	}
	rest, kata := strings.CutPrefix(handler, "kata")
	if !kata {
		return ""
	}
	for _, h := range hypervisors {
		if slices.Contains(strings.Split(rest, "-"), h.part) {
			return ", Kata Containers with " + h.name + " by its name"
		}
	}
	return ", Kata Containers by its name"
}

// target says whether a class can be certified on a node.
func target(n corev1.Node, c nodev1.RuntimeClass) Target {
	t := Target{Node: n.Name, RuntimeClass: c.Name, Handler: c.Handler, State: OK, Why: "the node lists the handler"}
	names := handlersOf(n)
	switch why := certification.Unusable(n); {
	case why != "":
		t.State, t.Why = Problem, "the node cannot be certified: "+why
	case !certification.Schedulable(c, n):
		t.State, t.Why = Problem, "the node has not the labels of the class's nodeSelector"
	case len(names) == 0:
		t.State, t.Why = Unknown, "the node does not list its handlers"
	case !slices.Contains(names, c.Handler):
		t.State, t.Why = Problem, "the node does not list handler "+c.Handler
	}
	return t
}
