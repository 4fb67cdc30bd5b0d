package judge

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// Kind is what a runtime puts between a container and the node.
type Kind string

const (
	// KindNone is a plain container: runc, crun, youki.
	KindNone Kind = "none"
	// KindVM is a virtual machine per pod: Kata Containers.
	KindVM Kind = "vm"
	// KindUserKernel is a kernel in user space per pod: gVisor.
	KindUserKernel Kind = "user-kernel"
	// KindUnknown is a shim that katacert does not know.
	KindUnknown Kind = "unknown"
)

// Sandbox is one running sandbox as the node shows it.
type Sandbox struct {
	PodUID, ID, Handler, Shim, Digest string
	PID                               int
}

// Kind tells the kind of sandbox from the name of the shim that runs it. The
// name alone proves nothing about isolation; it selects expectations, and the
// kernel controls do the proving.
func (s Sandbox) Kind() Kind {
	switch {
	case strings.HasPrefix(s.Shim, "containerd-shim-kata"):
		return KindVM
	case strings.HasPrefix(s.Shim, "containerd-shim-runsc"):
		return KindUserKernel
	case strings.HasPrefix(s.Shim, "containerd-shim-runc"), strings.HasPrefix(s.Shim, "conmon"):
		return KindNone
	default:
		return KindUnknown
	}
}

// SandboxOf finds the sandbox of a vantage's pod among those that the witness
// saw on the node in its second look, or in its first where there was no second.
func SandboxOf(e Evidence, v evidence.Vantage) (Sandbox, error) {
	c := &Case{Evidence: e}
	sandbox, err := c.sandbox(v)
	if err != nil {
		pod, _ := e.View(v).Pod()
		if o, lookErr := c.observe(e.View(evidence.Witness), evidence.Look, "shims"); lookErr == nil {
			return SandboxIn(o, pod.UID)
		}
	}
	return sandbox, err
}

func (c *Case) sandbox(v evidence.Vantage) (Sandbox, error) {
	pod, ok := c.Evidence.View(v).Pod()
	if !ok || pod.UID == "" {
		return Sandbox{}, fmt.Errorf("gave no evidence, so its sandbox is not known")
	}
	o, err := c.observe(c.Evidence.View(evidence.Witness), evidence.LookAgain, "shims")
	if err != nil {
		return Sandbox{}, fmt.Errorf("cannot be found on the node: witness %w", err)
	}
	sandbox, err := SandboxIn(o, pod.UID)
	if cause := c.Evidence.View(v).failure(); err != nil && cause != "" {
		return Sandbox{}, fmt.Errorf("%w: %s", err, cause) // a pod that never ran has no sandbox
	}
	return sandbox, err
}

// SandboxIn finds a pod's sandbox in what the witness's probe of shims saw.
func SandboxIn(shims evidence.Observation, podUID string) (Sandbox, error) {
	lines, _ := shims.Values.List("sandboxes")
	var found []Sandbox
	for _, line := range lines {
		fields := keyValues(line)
		if podUID != "" && fields["pod_uid"] == podUID {
			pid, _ := strconv.Atoi(fields["pid"])
			found = append(found, Sandbox{PodUID: podUID, ID: fields["sandbox"], Handler: fields["handler"], Shim: fields["shim"], Digest: fields["sha256"], PID: pid})
		}
	}
	for _, other := range found {
		// One of them may be a process of a pod that calls itself a shim.
		if first := found[0]; other.Shim != first.Shim || other.Handler != first.Handler || other.Digest != first.Digest {
			return Sandbox{}, fmt.Errorf("has two sandboxes on the node: %s (pid %d) and %s (pid %d)", first.Shim, first.PID, other.Shim, other.PID)
		}
	}
	if len(found) > 0 {
		return found[0], nil
	}
	return Sandbox{}, fmt.Errorf("has no sandbox on the node that the witness looked at (%d sandboxes there)", len(lines))
}

// keyValues parses "a=b c=d"; a value runs up to the next space.
func keyValues(line string) map[string]string {
	fields := map[string]string{}
	for _, field := range strings.Fields(line) {
		if key, value, ok := strings.Cut(field, "="); ok {
			fields[key] = value
		}
	}
	return fields
}

// PlainContainer detects that the pod is no sandbox at all on the node: its
// shim is a plain container runtime's, or not the one that its RuntimeClass's
// handler stands for, or the RuntimeClass it asked for was taken from it.
func PlainContainer() Detection {
	return func(c *Case) Sight {
		sandbox, err := c.sandbox(c.Seen.Vantage)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		readings := []Reading{{Name: "shim", Truth: "a sandbox runtime's shim", Seen: sandbox.Shim, Match: sandbox.Kind() == KindNone},
			{Name: "shim_sha256", Seen: sandbox.Digest}}
		if sandbox.Kind() == KindNone {
			return Sight{Outcome: Detected, Readings: readings, Reason: fmt.Sprintf("runs under %s on the node, a plain container", sandbox.Shim)}
		}
		if c.Seen.Vantage == evidence.Reference {
			return Sight{Outcome: Undetected, Readings: readings, Reason: fmt.Sprintf("runs under %s on the node", sandbox.Shim)}
		}
		asked, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, "runtimeclass")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be checked against its RuntimeClass: api %v", err)}
		}
		class, _ := asked.Values.Text("runtime_class")
		handler, _ := asked.Values.Text("handler")
		got, known := asked.Values.Text(string(c.Seen.Vantage) + "_runtime_class")
		if !known {
			return Sight{Outcome: Unknown, Reason: "cannot be checked against its RuntimeClass: its pod did not run as asked"}
		}
		listed, _ := asked.Values.List("node_handlers")
		readings = append(readings,
			Reading{Name: "runtime_class", Truth: class, Seen: got, Match: class != got},
			Reading{Name: "handler", Truth: handler, Seen: sandbox.Handler, Match: sandbox.Handler != "" && sandbox.Handler != handler})
		switch {
		case got != class:
			return Sight{Outcome: Detected, Readings: readings, Reason: fmt.Sprintf("asked for RuntimeClass %q and has %q", class, got)}
		case sandbox.Handler != "" && sandbox.Handler != handler:
			return Sight{Outcome: Detected, Readings: readings, Reason: fmt.Sprintf("runs under handler %q, its RuntimeClass says %q", sandbox.Handler, handler)}
		case len(listed) > 0 && !contains(listed, handler):
			return Sight{Outcome: Detected, Readings: readings, Reason: fmt.Sprintf("has handler %q, which the node does not list in status.runtimeHandlers", handler)}
		case mismatch(class, handler, sandbox.Kind()):
			return Sight{Outcome: Detected, Readings: readings, Reason: fmt.Sprintf("asked for %q (handler %q) and runs under %s", class, handler, sandbox.Shim)}
		case sandbox.Handler == "":
			return Sight{Outcome: Undetected, Readings: readings, Reason: fmt.Sprintf("runs under %s, which its RuntimeClass's handler %q stands for (the node does not tell by which handler it was started)", sandbox.Shim, handler)}
		default:
			return Sight{Outcome: Undetected, Readings: readings, Reason: fmt.Sprintf("runs under %s with handler %q, as asked", sandbox.Shim, handler)}
		}
	}
}

// mismatch says whether a handler named after one runtime is run by another.
func mismatch(class, handler string, kind Kind) bool {
	switch {
	case strings.HasPrefix(handler, "kata") || strings.HasPrefix(class, "kata"):
		return kind != KindVM
	case strings.HasPrefix(handler, "runsc") || strings.HasPrefix(handler, "gvisor"):
		return kind != KindUserKernel
	default:
		return false
	}
}

func contains(list []string, item string) bool {
	for _, have := range list {
		if have == item {
			return true
		}
	}
	return false
}
