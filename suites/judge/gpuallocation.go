package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// gpuIDs are those of GPUs, bare: without what NVIDIA puts before a UUID.
type gpuIDs []string

// bareUUID takes GPU- and MIG- off, and with them the difference between programs that
// write them and those that do not; what follows "::" is the number of a slice of
// NVIDIA's time-slicing, and not a GPU of its own.
func bareUUID(id string) string {
	id, _, _ = strings.Cut(id, "::")
	return strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(id, "GPU-"), "MIG-"))
}

func bareUUIDs(ids []string) gpuIDs {
	var bare gpuIDs
	for _, id := range ids {
		bare = append(bare, bareUUID(id))
	}
	slices.Sort(bare)
	return slices.Compact(bare)
}

// allocations are the ids that the kubelet gave to each pod, by the pod's name.
func (c *Case) allocations(n *gpuNode) (map[string][]string, error) {
	o, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, "gpu-allocations")
	if err != nil {
		return nil, fmt.Errorf("cannot be compared: witness %w", err)
	}
	lines, ok := o.Values.List("allocated")
	if !ok {
		return nil, fmt.Errorf("cannot be compared: the witness got no allocations of the kubelet: %s", why(o))
	}
	if _, cut := o.Values.Number("truncated"); cut {
		return nil, fmt.Errorf("cannot be compared: the kubelet has more allocations than the witness reads")
	}
	by := map[string][]string{}
	for _, line := range lines {
		if fields := keyValues(line); fields["resource"] == n.resource {
			by[fields["pod"]] = append(by[fields["pod"]], fields["id"])
		}
	}
	return by, nil
}

// podName is the name by which the kubelet knows the pod of a vantage.
func (c *Case) podName(v evidence.Vantage) string {
	pod, _ := c.Evidence.View(v).Pod()
	return pod.Namespace + "/" + pod.Name
}

// gpusSeen are the UUIDs of the GPUs that a vantage has: what CUDA gives it where it
// runs the program that asks, and whose device nodes it opens. The rest has no UUID
// that it could tell: whoever has no driver's word for a node has its number alone.
func (c *Case) gpusSeen(n *gpuNode, v evidence.Vantage) (uuids gpuIDs, numbered int, err error) {
	o, err := c.observe(c.Evidence.View(v), evidence.Look, "gpu-seen")
	if err != nil {
		return nil, 0, fmt.Errorf("%s %w", v, err)
	}
	listed, ok := o.Values.List("uuids")
	if !ok {
		return nil, 0, fmt.Errorf("%s did not tell which GPUs it sees: %s", v, why(o))
	}
	if n.program == "" && n.simulated == 0 {
		cuda, err := c.observe(c.Evidence.View(v), evidence.Look, "gpu-cuda-devices")
		if err != nil {
			return nil, 0, fmt.Errorf("%s %w", v, err)
		}
		byCUDA, _ := cuda.Values.List("uuids")
		wholes := c.divided(v, byCUDA)
		listed = slices.DeleteFunc(slices.Clone(listed), func(id string) bool {
			return strings.HasPrefix(id, "minor-") && len(byCUDA) > 0 || slices.Contains(wholes, bareUUID(id))
		})
		listed = slices.Concat(listed, byCUDA)
	}
	for _, id := range listed {
		if strings.HasPrefix(id, "minor-") {
			numbered++
		} else {
			uuids = append(uuids, bareUUID(id))
		}
	}
	slices.Sort(uuids)
	return slices.Compact(uuids), numbered, nil
}

// GetsOtherGPUs detects a pod that has other GPUs than the kubelet gave it. Where the
// kubelet knows GPUs by other names than UUIDs (those that are passed to virtual
// machines are known by their IOMMU groups), it compares how many.
func GetsOtherGPUs() Detection {
	return func(c *Case) Sight {
		n, done := c.gpuPods(evidence.GPUSubject)
		if done != nil {
			return *done
		}
		allocated, err := c.allocations(n)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		sight := Sight{Outcome: Undetected}
		var wrong, right []string
		for _, v := range gpuVantages {
			if !slices.Contains(n.given, string(v)) {
				continue
			}
			ids := allocated[c.podName(v)]
			seen, numbered, err := c.gpusSeen(n, v)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: "cannot be compared: " + err.Error()}
			}
			if len(ids) == 0 {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: the kubelet gave pod %s no %s", v, n.resource)}
			}
			want := bareUUIDs(ids)
			byCount := numbered > 0 || !strings.HasPrefix(ids[0], "GPU-") && !strings.HasPrefix(ids[0], "MIG-")
			same := slices.Equal(want, seen)
			if byCount {
				same = len(seen)+numbered == len(want)
			}
			sight.Readings = append(sight.Readings, Reading{Name: string(v), Truth: shorten(want), Seen: gpusText(seen, numbered), Match: !same})
			text := fmt.Sprintf("%s was given %s and has %s", v, shorten(want), gpusText(seen, numbered))
			if same {
				right = append(right, text)
			} else {
				wrong = append(wrong, text)
			}
		}
		if len(wrong) > 0 {
			sight.Outcome, sight.Reason = Detected, "does not have the GPUs that the kubelet gave: "+strings.Join(wrong, "; ")
			return sight
		}
		sight.Reason = "has what the kubelet gave: " + strings.Join(right, "; ")
		return sight
	}
}

// divided are the GPUs of which a vantage has parts, made by the hardware (MIG), that CUDA
// gives it. Their own device nodes open to whoever has a part, and compute nothing by
// themselves.
func (c *Case) divided(v evidence.Vantage, byCUDA []string) (wholes gpuIDs) {
	o, err := c.observe(c.Evidence.View(v), evidence.Look, "gpu-nvml")
	if err != nil {
		return nil
	}
	parts, _ := o.Values.List("parts")
	for _, line := range parts {
		if part := keyValues(line); slices.Contains(bareUUIDs(byCUDA), bareUUID(part["uuid"])) {
			wholes = append(wholes, bareUUID(part["of"]))
		}
	}
	return wholes
}

func gpusText(uuids gpuIDs, numbered int) string {
	switch {
	case numbered > 0:
		return fmt.Sprintf("%d GPUs, of which no driver tells the UUIDs", len(uuids)+numbered)
	case len(uuids) == 0:
		return "none"
	default:
		return shorten(uuids)
	}
}

// HasGPU detects a pod that has a GPU, or any device of GPUs open. A pod that asked for
// none must have none, and no more must the other one that asked for none.
func HasGPU() Detection {
	return func(c *Case) Sight {
		if _, done := c.gpuPods(evidence.GPUSubject, evidence.GPUUnrequested); done != nil {
			return *done
		}
		vantages := []evidence.Vantage{c.Seen.Vantage}
		if c.Seen.Vantage == evidence.GPUUnrequested {
			vantages = append(vantages, evidence.Subject)
		}
		sight := Sight{Outcome: Undetected, Reason: "has no GPU and opens no device of one"}
		for _, v := range vantages {
			found, err := c.gpuDevices(v)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: err.Error()}
			}
			sight.Readings = append(sight.Readings, Reading{Name: string(v), Truth: "none", Seen: shorten(found), Match: len(found) > 0})
			if len(found) > 0 {
				sight.Outcome, sight.Reason = Detected, fmt.Sprintf("has what belongs to GPUs in pod %s: %s", v, shorten(found))
			}
		}
		return sight
	}
}

// gpuDevices is everything of GPUs that a vantage has. Functions on the PCI bus count
// where it has a machine of its own: who shares the node's kernel reads the node's.
func (c *Case) gpuDevices(v evidence.Vantage) ([]string, error) {
	o, err := c.observe(c.Evidence.View(v), evidence.Look, "gpu-seen")
	if err != nil {
		return nil, fmt.Errorf("%s %w", v, err)
	}
	devices, ok1 := o.Values.List("devices")
	simulated, ok2 := o.Values.List("simulated")
	functions, ok3 := o.Values.List("functions")
	if !ok1 || !ok2 || !ok3 {
		return nil, fmt.Errorf("%s did not tell which devices it opens: %s", v, why(o))
	}
	var found []string
	for _, line := range devices {
		if fields := keyValues(line); fields["opened"] == "yes" {
			found = append(found, fields["path"])
		}
	}
	for _, uuid := range simulated {
		found = append(found, "simulated "+uuid)
	}
	if len(functions) == 0 {
		return found, nil
	}
	sandbox, err := c.sandbox(v)
	if err != nil {
		return nil, fmt.Errorf("%s %w", v, err)
	}
	if sandbox.Kind() == KindVM {
		for _, line := range functions {
			found = append(found, "PCI "+keyValues(line)["bus"])
		}
	}
	return found, nil
}

// SharesGPU detects one GPU in the hands of two pods: both see it, or the kubelet gave
// it to both, be it in slices.
func SharesGPU() Detection {
	return func(c *Case) Sight {
		n, done := c.gpuPods(evidence.GPUSubject, evidence.GPUNeighbour)
		if done != nil {
			return *done
		}
		allocated, err := c.allocations(n)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		holders := map[string][]string{}
		for pod, ids := range allocated {
			for _, uuid := range bareUUIDs(ids) {
				holders[uuid] = append(holders[uuid], pod)
			}
		}
		sight := Sight{Outcome: Undetected}
		seen := map[evidence.Vantage]gpuIDs{}
		for _, v := range []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour} {
			uuids, numbered, err := c.gpusSeen(n, v)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: "cannot be compared: " + err.Error()}
			}
			if len(uuids)+numbered == 0 || len(allocated[c.podName(v)]) == 0 {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s has no GPU", v)}
			}
			seen[v] = uuids
			for _, uuid := range uuids {
				if name := c.podName(v); !slices.Contains(holders[uuid], name) {
					holders[uuid] = append(holders[uuid], name)
				}
			}
		}
		sight.Readings = []Reading{{Name: "uuids", Truth: shorten(seen[evidence.GPUNeighbour]), Seen: shorten(seen[evidence.GPUSubject]),
			Match: len(intersect(seen[evidence.GPUSubject], seen[evidence.GPUNeighbour])) > 0}}
		var shared []string
		for uuid, pods := range holders {
			if len(pods) > 1 {
				slices.Sort(pods)
				shared = append(shared, uuid+" by "+strings.Join(pods, " and "))
			}
		}
		slices.Sort(shared)
		if len(shared) > 0 {
			sight.Outcome, sight.Reason = Detected, "is not alone with its GPU: "+shorten(shared)
			return sight
		}
		sight.Reason = fmt.Sprintf("shares no GPU with gpu-neighbour, and no pod of the node one with another (%d GPUs are in use)", len(holders))
		return sight
	}
}
