package judge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// gpuNode is what is known of the GPUs of a target's node.
type gpuNode struct {
	// resource is the extended resource by which pods ask for GPUs, allocatable how many
	// of it the node has, busy how many of those others hold, simulated how many GPUs of
	// the node are katacert's own stand-ins.
	resource                     string
	allocatable, simulated, busy int64
	// given are the vantages whose pods asked for GPUs; withheld says why the others
	// were not made.
	given    []string
	withheld string
	// program says why the pods run no program that computes; empty where they do.
	program string
	// functions are the node's PCI functions of NVIDIA, and values all that the witness
	// told beside them.
	functions []map[string]string
	values    evidence.Values
}

// gpuVantages are those that asked for a GPU in a run.
var gpuVantages = []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUReference}

// gpuNode reads what the API server and the witness say of the node's GPUs, or gives
// the sight that ends the detection, because one of them is missing or there are none.
func (c *Case) gpuNode() (*gpuNode, *Sight) {
	asked, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, "gpus")
	if err != nil {
		return nil, &Sight{Outcome: Unknown, Reason: "cannot be judged: api " + err.Error()}
	}
	n := &gpuNode{}
	var ok1, ok2, ok3, ok4 bool
	n.resource, ok1 = asked.Values.Text("resource")
	n.allocatable, ok2 = asked.Values.Number("allocatable")
	n.given, ok3 = asked.Values.List("given")
	n.simulated, ok4 = asked.Values.Number("simulated")
	n.busy, _ = asked.Values.Number("busy")
	n.withheld, _ = asked.Values.Text("withheld")
	n.program, _ = asked.Values.Text("no_program")
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return nil, &Sight{Outcome: Unknown, Reason: "cannot be judged: api did not tell what GPUs the node advertises: " + why(asked)}
	}
	found, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, "gpu-functions")
	if err != nil {
		return nil, &Sight{Outcome: Unknown, Reason: "cannot be judged: witness " + err.Error()}
	}
	lines, ok := found.Values.List("functions")
	if !ok {
		return nil, &Sight{Outcome: Unknown, Reason: "cannot be judged: witness lists no PCI functions: " + why(found)}
	}
	if _, cut := found.Values.Number("truncated"); cut {
		return nil, &Sight{Outcome: Unknown, Reason: "cannot be judged: the node has more PCI functions than the witness reads"}
	}
	n.values = found.Values
	for _, line := range lines {
		n.functions = append(n.functions, keyValues(line))
	}
	if n.allocatable == 0 && len(n.functions) == 0 {
		return nil, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("the node advertises no %s and has no PCI function of NVIDIA: it has no GPU", n.resource)}
	}
	return n, nil
}

// gpus are the functions that compute, and not those beside them (PCI class 03,
// display controllers).
func (n *gpuNode) gpus() []map[string]string {
	return slices.DeleteFunc(slices.Clone(n.functions), func(f map[string]string) bool { return !strings.HasPrefix(f["class"], "03") })
}

// gpuPods is gpuNode for what takes pods with GPUs: at least those of the vantages.
func (c *Case) gpuPods(vantages ...evidence.Vantage) (*gpuNode, *Sight) {
	n, done := c.gpuNode()
	if done != nil {
		return nil, done
	}
	if n.allocatable == 0 {
		return nil, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("the node has %d GPUs and advertises no %s: no device plugin gives them to pods under that name (--gpu-resource)", len(n.gpus()), n.resource)}
	}
	for _, v := range vantages {
		if !slices.Contains(n.given, string(v)) {
			done := &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("there is no pod %s: %s", v, n.withheld)}
			if n.busy > 0 { // there is something to be seen, and somebody else has it
				done.Outcome = Unknown
			}
			return nil, done
		}
	}
	return n, nil
}

// realGPUs is gpuPods for what takes a GPU that computes, and the program that lets it.
func (c *Case) realGPUs(vantages ...evidence.Vantage) (*gpuNode, *Sight) {
	n, done := c.gpuPods()
	switch {
	case done != nil:
		return nil, done
	case n.simulated > 0:
		return nil, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("simulated GPU: the node's %d of %s are katacert's own stand-ins, which have no memory and compute nothing", n.allocatable, n.resource)}
	case len(n.functions) == 0:
		return nil, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("simulated GPU: the node advertises %d of %s and has no PCI function of NVIDIA", n.allocatable, n.resource)}
	case n.program != "":
		return nil, &Sight{Outcome: Unknown, Reason: "cannot be judged: no pod has a program that computes on GPUs: " + n.program}
	default:
		return c.gpuPods(vantages...)
	}
}

// gpuLines are the lines that a probe of GPUs gave, one for each GPU, by UUID.
func (c *Case) gpuLines(v evidence.Vantage, round evidence.Round, probe string) (map[string]map[string]string, error) {
	o, err := c.observe(c.Evidence.View(v), round, probe)
	if err != nil {
		return nil, fmt.Errorf("%s %w", v, err)
	}
	lines, ok := o.Values.List("gpus")
	if !ok || len(lines) == 0 {
		return nil, fmt.Errorf("%s reached no GPU by probe %s: %s", v, probe, why(o))
	}
	found := map[string]map[string]string{}
	for _, line := range lines {
		fields := keyValues(line)
		uuid := fields["uuid"]
		if uuid == "" || found[uuid] != nil {
			return nil, fmt.Errorf("%s gave no GPU, or one GPU twice, in %.80q", v, line)
		}
		found[uuid] = fields
	}
	return found, nil
}

// count is a number of a line.
func count(fields map[string]string, name string) (int64, error) {
	n, err := strconv.ParseInt(fields[name], 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("gave %.40q as %s of a GPU", fields[name], name)
	}
	return n, nil
}
