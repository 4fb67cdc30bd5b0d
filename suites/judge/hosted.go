package judge

import (
	"fmt"
	"math/bits"
	"net/url"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// hostedBy is the probe that tells by which processes the node runs a sandbox.
const hostedBy = "sandbox-processes"

// hosted is a sandbox as its processes on the node show it.
type hosted struct {
	sandbox    Sandbox
	hypervisor string
	sharedFS   string
	cid        string
	// netns is the number of the pod's network namespace, "" when the runtime names none,
	// and netnsLost when the witness did not find it.
	netns string
	// node are the namespaces of the node's own init process, by kind.
	node      map[string]string
	processes []hostProcess
	values    evidence.Values
}

// hostProcess is one process of a sandbox on the node.
type hostProcess struct {
	role, pid, parent, exe string
	uid                    string
	// threads in all, as root, without a seccomp filter, without no_new_privs.
	threads, root, unfiltered, mayGain int
	bare                               string
	// effective are the capabilities of any thread.
	effective uint64
	// namespaces by kind, cgroups as paths, and what it has as its root.
	namespaces          map[string]string
	cgroups             []string
	rootLink, rootMount string
}

func (p hostProcess) String() string { return fmt.Sprintf("%s (pid %s)", p.exe, p.pid) }

// netnsLost stands for a network namespace that was named and not found.
const netnsLost = "lost"

// The roles of processes, as the probe names them.
const (
	shimRole      = "shim"
	vmmRole       = "vmm"
	virtiofsdRole = "virtiofsd"
)

// hosted finds the sandbox of the seen vantage's pod and what the node runs it by,
// or the sight that ends the detection: the sandbox is no virtual machine, or its
// machine runs elsewhere, or it cannot be told. A plain container has its shim alone;
// it is taken as a stand-in for the control vantage and nobody else.
func (c *Case) hosted() (*hosted, *Sight) {
	sandbox, err := c.sandbox(c.Seen.Vantage)
	if err != nil {
		return nil, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	standIn := c.Seen.Vantage == evidence.Reference
	if reason := noMachine(sandbox); reason != "" && !standIn {
		return nil, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s %s", c.Seen.Vantage, reason)}
	}
	o, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, hostedBy)
	if err != nil {
		return nil, &Sight{Outcome: Unknown, Reason: "cannot be looked at on the node: witness " + err.Error()}
	}
	h, err := parseHosted(o, sandbox)
	if err != nil {
		return nil, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	if h.hypervisor == "remote" {
		return nil, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s has its virtual machine elsewhere (hypervisor remote): there is no VMM on this node to be looked at", c.Seen.Vantage)}
	}
	return h, nil
}

// noMachine says why a kind of sandbox has no virtual machine monitor.
func noMachine(s Sandbox) string {
	switch s.Kind() {
	case KindVM:
		return ""
	case KindUserKernel:
		return fmt.Sprintf("has no virtual machine: %s keeps its kernel in a process", s.Shim)
	case KindNone:
		return fmt.Sprintf("has no virtual machine: %s runs plain containers", s.Shim)
	default:
		return fmt.Sprintf("runs under %s, of which katacert does not know by which processes it runs a sandbox", s.Shim)
	}
}

func parseHosted(o evidence.Observation, sandbox Sandbox) (*hosted, error) {
	if _, cut := o.Values.Number("truncated"); cut {
		return nil, fmt.Errorf("cannot be looked at whole: the node has more processes, arguments or files than the witness reads")
	}
	sandboxes, ok1 := o.Values.List("sandboxes")
	processes, ok2 := o.Values.List("processes")
	node, ok3 := o.Values.Text("node_ns")
	if !ok1 || !ok2 || !ok3 {
		return nil, fmt.Errorf("cannot be looked at on the node: witness told no processes: %s", why(o))
	}
	h := &hosted{sandbox: sandbox, node: pairs(node), values: o.Values}
	if h.node["net"] == "" || h.node["mnt"] == "" {
		return nil, fmt.Errorf("cannot be compared with the node, whose own namespaces the witness did not tell (%q)", node)
	}
	known := false
	for _, line := range sandboxes {
		if fields := keyValues(line); fields["pod_uid"] == sandbox.PodUID {
			known = true
			h.hypervisor, h.sharedFS, h.cid, h.netns = fields["hypervisor"], fields["shared_fs"], fields["cid"], fields["netns"]
		}
	}
	if !known {
		return nil, fmt.Errorf("has no sandbox among the %d whose processes the witness looked at", len(sandboxes))
	}
	unread, _ := o.Values.List("unread")
	for _, line := range unread {
		if fields := keyValues(line); fields["pod_uid"] == sandbox.PodUID {
			return nil, fmt.Errorf("has a process (%s, pid %s) that the witness could not read: %s", fields["role"], fields["pid"], decoded(fields["why"]))
		}
	}
	for _, line := range processes {
		fields := keyValues(line)
		if fields["pod_uid"] != sandbox.PodUID {
			continue
		}
		p, err := parseProcess(fields)
		if err != nil {
			return nil, fmt.Errorf("cannot be looked at on the node: witness told %.80q: %w", line, err)
		}
		h.processes = append(h.processes, p)
	}
	return h, nil
}

func parseProcess(fields map[string]string) (hostProcess, error) {
	p := hostProcess{role: fields["role"], pid: fields["pid"], parent: fields["parent"], exe: fields["exe"], uid: fields["uid"],
		bare: fields["bare"], namespaces: pairs(fields["ns"]), rootLink: decoded(fields["root"]), rootMount: decoded(fields["root_mount"])}
	for _, cgroup := range strings.Split(fields["cgroup"], ",") {
		p.cgroups = append(p.cgroups, decoded(cgroup))
	}
	for name, into := range map[string]*int{"threads": &p.threads, "root_threads": &p.root, "unfiltered": &p.unfiltered, "may_gain": &p.mayGain} {
		n, err := strconv.Atoi(fields[name])
		if err != nil {
			return p, fmt.Errorf("%s is no number", name)
		}
		*into = n
	}
	effective, err := strconv.ParseUint(fields["cap_eff"], 16, 64)
	if err != nil || p.threads < 1 || p.namespaces["net"] == "" || p.namespaces["mnt"] == "" {
		return p, fmt.Errorf("capabilities, threads or namespaces are missing")
	}
	p.effective = effective
	return p, nil
}

// of returns the processes of a role. The stand-in of the control vantage is its
// shim, whatever the role. A virtual machine without a monitor is an error.
func (h *hosted) of(role string) ([]hostProcess, error) {
	if h.sandbox.Kind() != KindVM {
		role = shimRole
	}
	var found []hostProcess
	for _, p := range h.processes {
		if p.role == role {
			found = append(found, p)
		}
	}
	if len(found) == 0 && role != virtiofsdRole {
		return nil, fmt.Errorf("has no process on the node that is its %s", map[string]string{vmmRole: "virtual machine monitor", shimRole: "shim"}[role])
	}
	return found, nil
}

// arguments are those of a process, in order.
func (h *hosted) arguments(pid string) []string {
	lines, _ := h.values.List("arguments")
	var all []string
	for _, line := range lines { // a list is sorted, and the numbers have leading zeros
		if fields := keyValues(line); fields["pid"] == pid {
			all = append(all, decoded(fields["arg"]))
		}
	}
	return all
}

// lines are the lines of one of the probe's lists that tell of a process.
func (h *hosted) lines(list, pid string) []map[string]string {
	all, _ := h.values.List(list)
	var found []map[string]string
	for _, line := range all {
		if fields := keyValues(line); fields["pid"] == pid {
			found = append(found, fields)
		}
	}
	return found
}

// pairs parses "mnt:1,net:2".
func pairs(text string) map[string]string {
	found := map[string]string{}
	for _, pair := range strings.Split(text, ",") {
		if key, value, ok := strings.Cut(pair, ":"); ok {
			found[key] = value
		}
	}
	return found
}

// decoded takes the percent-encoding off a value of the witness's.
func decoded(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

func capabilities(mask uint64) string {
	return fmt.Sprintf("%d capabilities (%#x)", bits.OnesCount64(mask), mask)
}
