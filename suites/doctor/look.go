package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/katanode"
)

// Probes that the look wants besides those that always run.
const (
	probeVirtualisation = "virtualisation"
	probeKata           = "kata-files"
	probeDevices        = "device-nodes"
)

// Look lets the witness look at each node that could be certified, adds what it saw
// to the diagnosis, and takes the witness away again. run says how pods are started.
func Look(ctx context.Context, d *Diagnosis, o Options, run certification.Options) error {
	client, err := newClient(o.Cluster.Config)
	if err != nil {
		return fmt.Errorf("make a client for cluster %s: %w", o.Cluster.Name, err)
	}
	f := &facts{user: d.Cluster.User}
	o.ask(ctx, client, f)
	if err := errors.Join(f.nodesErr, f.classesErr); err != nil {
		return fmt.Errorf("list what the witness would look at: %w", err)
	}
	if err := o.named(f); err != nil {
		return err
	}
	nodes := slices.DeleteFunc(slices.Clone(f.nodes), func(n corev1.Node) bool { return certification.Unusable(n) != "" })
	var tries []dryRun
	looks, left, err := certification.Inspect(ctx, certification.Inspection{
		Options: run, Nodes: nodes, Handlers: handlersIn(f.classes), Probes: []string{probeVirtualisation, probeKata},
		Inside: func(ctx context.Context, namespace string) { tries = o.tryPods(ctx, client, f, namespace) },
	})
	d.Leftovers = append(d.Leftovers, left...)
	if err != nil {
		return err
	}
	d.Looked = true
	d.replace("admission", "", func() { d.admission(tries) })
	for _, look := range looks {
		d.look(look, f.classes)
	}
	d.sort()
	return nil
}

// handlersIn are those of the classes, each once; one that is empty where there is
// none, so that the witness looks once.
func handlersIn(classes []nodev1.RuntimeClass) []string {
	handlers := []string{}
	for _, c := range classes {
		handlers = append(handlers, c.Handler)
	}
	slices.Sort(handlers)
	if handlers = slices.Compact(handlers); len(handlers) == 0 {
		return []string{""}
	}
	return handlers
}

// replace drops the findings of a name, of all things or of one, for better ones.
func (d *Diagnosis) replace(name, about string, better func()) {
	d.Findings = slices.DeleteFunc(d.Findings, func(f Finding) bool { return f.Name == name && (about == "" || f.About == about) })
	better()
}

// look adds what the witness saw on one node.
func (d *Diagnosis) look(look certification.NodeLook, classes []nodev1.RuntimeClass) {
	about := aboutNode(look.Node)
	if look.Err != nil {
		d.add(about, "witness", Problem, oneLine(look.Err), "see the message; nothing can be certified on a node where the witness cannot look")
		d.block(look.Node, "", "the witness cannot look there")
		return
	}
	d.add(about, "witness", OK, "runs privileged and was reached by exec", "")
	for _, handler := range handlersIn(classes) {
		record := look.Records[handler]
		if handler == handlersIn(classes)[0] {
			d.hardware(about, record)
		}
		d.kata(look, handler, classes)
	}
}

// block marks targets of a node, and of one handler of it where that is given.
func (d *Diagnosis) block(node, handler, why string) {
	for i := range d.Targets {
		if t := &d.Targets[i]; t.Node == node && (handler == "" || t.Handler == handler) && t.State != Problem {
			t.State, t.Why = Problem, why
		}
	}
}

// hardware adds what the node brings for virtual machines.
func (d *Diagnosis) hardware(about string, record evidence.Record) {
	devices, _ := record.Observation(probeDevices)
	present, known := devices.Values.List("present")
	has := func(path string) bool {
		return slices.ContainsFunc(present, func(p string) bool { return p == path || strings.HasPrefix(p, path+"/") })
	}
	v, ok := record.Observation(probeVirtualisation)
	if !known || !ok || v.State != evidence.Seen {
		d.add(about, "hardware", Unknown, "the witness did not tell: "+v.Detail, "run again")
		return
	}
	cpu, _ := v.Values.Text("cpu")
	nested, _ := v.Values.Text("nested")
	groups, _ := v.Values.Number("iommu_groups")
	gpus, _ := v.Values.List("gpus")
	d.replace(probeVirtualisation, about, func() {
		switch {
		case has("/dev/kvm") && cpu == "none":
			d.add(about, probeVirtualisation, Missing, "there is /dev/kvm, and the processor shows no virtualisation of its own: virtual machines may hang as they start",
				"start one by hand; in a cloud, choose bare metal or a type of machine with nested virtualisation")
		case has("/dev/kvm"):
			d.add(about, probeVirtualisation, OK, fmt.Sprintf("/dev/kvm, processor with %s, nested virtualisation %s", cpu, nested), "")
		case cpu != "none":
			d.add(about, probeVirtualisation, Missing, "there is no /dev/kvm (processor with "+cpu+")", "load the module kvm_intel or kvm_amd")
		default:
			d.add(about, probeVirtualisation, Missing, "the processor shows no virtualisation: hypervisors that need KVM cannot run here",
				"switch it on in the firmware; in a cloud, choose bare metal or a type of machine with nested virtualisation")
		}
	})
	for _, device := range []struct{ path, purpose string }{{"/dev/vhost-vsock", "the agent's connection (QEMU)"}, {"/dev/vhost-net", "fast networks"}} {
		if has(device.path) {
			d.add(about, strings.TrimPrefix(device.path, "/dev/"), OK, device.path+", for "+device.purpose, "")
		} else {
			d.add(about, strings.TrimPrefix(device.path, "/dev/"), Missing, "there is no "+device.path+", for "+device.purpose, "modprobe "+strings.ReplaceAll(strings.TrimPrefix(device.path, "/dev/"), "-", "_"))
		}
	}
	d.replace("iommu", about, func() {
		if groups > 0 {
			d.add(about, "iommu", OK, fmt.Sprintf("%d groups", groups), "")
		} else {
			d.add(about, "iommu", Missing, "no IOMMU group: no device can be passed into a virtual machine", "switch VT-d or AMD-Vi on in the firmware, and boot with intel_iommu=on where the kernel asks for it")
		}
	})
	d.gpuDrivers(about, gpus)
}

// gpuDrivers adds which driver holds each GPU: only vfio-pci hands it to a VM.
func (d *Diagnosis) gpuDrivers(about string, gpus []string) {
	for _, gpu := range gpus {
		words := strings.Fields(gpu)
		if len(words) != 3 {
			continue
		}
		if words[1] == "vfio-pci" {
			d.add(about, "gpu-driver", OK, fmt.Sprintf("GPU %s is bound to vfio-pci, IOMMU group %s", words[0], words[2]), "")
		} else {
			d.add(about, "gpu-driver", Missing, fmt.Sprintf("GPU %s is held by driver %s", words[0], words[1]), "bind it to vfio-pci for Kata; runc and gVisor want the NVIDIA driver")
		}
	}
}

// kata adds what stands behind a handler on the node.
func (d *Diagnosis) kata(look certification.NodeLook, handler string, classes []nodev1.RuntimeClass) {
	node := look.Node
	about, name := aboutNode(node), "handler "+handler
	record := look.Records[handler]
	o, ok := record.Observation(probeKata)
	if handler == "" || !ok {
		return
	}
	if o.State != evidence.Seen {
		d.add(about, name, Unknown, fmt.Sprintf("the witness could not read the node's files: %s %s", o.State, o.Detail), "see the message")
		return
	}
	n, err := katanode.Read(o)
	if err != nil {
		d.add(about, name, Unknown, oneLine(err), "see the message")
		return
	}
	n.Engine = look.Engine
	runtime, err := n.Runtime()
	switch {
	case errors.Is(err, katanode.ErrNoHandler):
		if d.fits(node, handler, classes) {
			d.add(about, name, Problem, oneLine(err), "install the runtime on the node, or keep the class away from it by scheduling.nodeSelector")
			d.block(node, handler, "the container runtime's configuration does not know the handler")
		}
		return
	case err != nil:
		d.add(about, name, Unknown, oneLine(err), "see the message")
		return
	case !runtime.IsKata():
		d.add(about, name, OK, strings.TrimSpace("runtime "+runtime.Type+" "+runtime.Path), "")
		return
	}
	config, err := n.Kata(runtime)
	if err != nil {
		d.add(about, name, Problem, oneLine(err), "mend Kata's configuration on the node; its shim would fail as well")
		return
	}
	if absent := unusable(n, runtime, config); len(absent) > 0 {
		why := strings.Join(absent, "; ")
		d.add(about, name, Problem, why, "install Kata Containers on the node again")
		d.block(node, handler, why)
		return
	}
	d.kataVersion(about, n, runtime)
	d.add(about, name, OK, fmt.Sprintf("Kata Containers, %s, hypervisor %s, configured by %s", config.Shim, config.Hypervisor, strings.Join(config.Files, ", ")), "")
}

// kataVersion adds which Kata a handler's shim belongs to, once for each that the node
// has, beside what kata-deploy says that it installs.
func (d *Diagnosis) kataVersion(about string, n *katanode.Node, runtime katanode.Runtime) {
	version, file, err := n.Version()
	told := Finding{About: about, Name: nameVersion, State: OK, Detail: fmt.Sprintf("%s, by %s", version, file)}
	switch {
	case errors.Is(err, katanode.ErrNoVersion) && n.Packaged(runtime):
		told.Detail = "handler " + n.Handler + ": of a distribution's package, which tells no version; its distributor's advisories count, kata-advisory-* do not apply"
	case err != nil:
		told.State, told.Detail, told.Mend = Unknown, "handler "+n.Handler+": "+oneLine(err), "see the message; until then kata-advisory-* are errors"
	}
	d.Findings = slices.DeleteFunc(d.Findings, func(f Finding) bool { return f.About == about && f.Name == nameVersion && f.Mend == witnessTells })
	if !slices.Contains(d.Findings, told) {
		d.Findings = append(d.Findings, told)
	}
}

// unusable lists what Kata would start or boot on the node, and cannot. Programs that
// another file of the configuration replaced do not count.
func unusable(n *katanode.Node, runtime katanode.Runtime, config *katanode.Config) []string {
	counts := map[string]bool{runtime.Path: true}
	for _, key := range []string{"path", "jailer_path", "virtio_fs_daemon", "kernel", "image", "initrd", "firmware"} {
		if path, err := config.Text(katanode.Hypervisor, key, ""); err == nil {
			counts[path] = true
		}
	}
	var list []string
	for _, p := range n.Programs {
		if p.Problem != "" && p.Path != "" && counts[p.Path] {
			list = append(list, fmt.Sprintf("Kata's %s %s: %s", p.Role, p.Path, p.Problem))
		}
	}
	return list
}

// fits says whether pods of a handler may come to the node: where they may not, the
// node need not know it.
func (d *Diagnosis) fits(node, handler string, classes []nodev1.RuntimeClass) bool {
	return slices.ContainsFunc(d.Targets, func(t Target) bool {
		return t.Node == node && t.Handler == handler && t.State != Problem && slices.ContainsFunc(classes, func(c nodev1.RuntimeClass) bool { return c.Name == t.RuntimeClass })
	})
}
