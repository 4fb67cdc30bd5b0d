package judge

import (
	"fmt"
	"strconv"

	"github.com/katacert/katacert/probes/evidence"
)

// LacksOverhead detects a pod whose sandbox takes memory of the node that the
// scheduler did not count: no overhead at all, another one than its RuntimeClass
// says, or one that does not cover what the pod's processes on the node hold
// beyond the requests of its containers.
func LacksOverhead() Detection {
	return func(c *Case) Sight {
		counted, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, "overhead")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared with what was counted: api %v", err)}
		}
		overhead, known := counted.Values.Number(string(c.Seen.Vantage) + "_overhead_bytes")
		requests, alsoKnown := counted.Values.Number(string(c.Seen.Vantage) + "_requests_bytes")
		if !known || !alsoKnown {
			return Sight{Outcome: Unknown, Reason: "cannot be compared with what was counted: its pod did not run as asked"}
		}
		held, err := c.held()
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		sight := Sight{Outcome: Undetected, Readings: []Reading{
			{Name: "overhead", Truth: "set", Seen: mebibytes(overhead), Match: overhead == 0},
			{Name: "held", Truth: "within overhead and requests", Seen: mebibytes(held), Match: held > overhead+requests},
			{Name: "requests", Seen: mebibytes(requests)},
		}}
		if monitor, known := c.monitor(); known {
			sight.Readings = append(sight.Readings, monitor)
		}
		if c.Seen.Vantage != evidence.Reference {
			class, said := counted.Values.Number("class_overhead_bytes")
			if !said {
				return Sight{Outcome: Unknown, Reason: "cannot be compared with its RuntimeClass: api did not say its overhead"}
			}
			sight.Readings = append(sight.Readings, Reading{Name: "class_overhead", Truth: mebibytes(overhead), Seen: mebibytes(class), Match: class != overhead})
			if class != overhead {
				sight.Outcome, sight.Reason = Detected, fmt.Sprintf("carries an overhead of %s where its RuntimeClass says %s", mebibytes(overhead), mebibytes(class))
				return sight
			}
		}
		switch {
		case overhead == 0:
			sight.Outcome = Detected
			sight.Reason = fmt.Sprintf("has no overhead that the scheduler would count, while its processes on the node hold %s", mebibytes(held))
		case held > overhead+requests:
			sight.Outcome = Detected
			sight.Reason = fmt.Sprintf("holds %s of the node's memory, more than its overhead of %s and its requests of %s", mebibytes(held), mebibytes(overhead), mebibytes(requests))
		default:
			sight.Reason = fmt.Sprintf("holds %s of the node's memory, within its overhead of %s and its requests of %s", mebibytes(held), mebibytes(overhead), mebibytes(requests))
		}
		return sight
	}
}

// held returns the memory, in bytes, that the processes of the seen vantage's pod
// hold on the node after the first look.
func (c *Case) held() (int64, error) {
	pod, ok := c.Seen.Pod()
	if !ok || pod.UID == "" {
		return 0, fmt.Errorf("gave no evidence, so its processes are not known")
	}
	o, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Act, "sandbox-memory")
	if err != nil {
		return 0, fmt.Errorf("cannot be measured on the node: witness %w", err)
	}
	if cut(o) {
		return 0, fmt.Errorf("cannot be measured whole: the node has more processes than the witness looks at")
	}
	lines, _ := o.Values.List("sandboxes")
	for _, line := range lines {
		fields := keyValues(line)
		if fields["pod_uid"] != pod.UID {
			continue
		}
		shims, err1 := strconv.ParseInt(fields["shim_kib"], 10, 64)
		rest, err2 := strconv.ParseInt(fields["rest_kib"], 10, 64)
		if err1 != nil || err2 != nil || shims+rest <= 0 || fields["unread"] != "0" {
			return 0, fmt.Errorf("cannot be measured on the node: witness says %.120q", line)
		}
		if measured, err := strconv.Atoi(fields["processes"]); err == nil && measured < len(c.runBy(pod.UID)) {
			return 0, fmt.Errorf("was not measured whole: witness measured %d processes and saw the node run it by %d", measured, len(c.runBy(pod.UID)))
		}
		return (shims + rest) << 10, nil
	}
	return 0, fmt.Errorf("has no processes on the node that the witness measured (%d pods there): %s", len(lines), why(o))
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// runBy are the processes by which the node runs a pod's sandbox, the monitor and
// the server of its files among them, as far as the witness looked for them.
func (c *Case) runBy(podUID string) []map[string]string {
	o, _ := c.Evidence.View(evidence.Witness).rounds[evidence.Look].Observation(hostedBy)
	lines, _ := o.Values.List("processes")
	var found []map[string]string
	for _, line := range lines {
		if process := keyValues(line); process["pod_uid"] == podUID && podUID != "" {
			found = append(found, process)
		}
	}
	return found
}

// monitor tells what the virtual machine monitor of the seen vantage's pod holds
// resident after the pod's work, the guest's memory included. It is recorded beside
// what was compared and decides nothing: the pod worked with more than it requests,
// and a guest gives back little of what it once touched.
func (c *Case) monitor() (Reading, bool) {
	pod, _ := c.Seen.Pod()
	settled, _ := c.Evidence.View(evidence.Witness).rounds[evidence.Settle].Observation("vmm-processes")
	monitors, _ := settled.Values.List("processes")
	for _, process := range c.runBy(pod.UID) {
		for _, line := range monitors {
			monitor := keyValues(line)
			if kib, err := strconv.ParseInt(monitor["rss_kib"], 10, 64); err == nil && process["role"] == vmmRole && monitor["pid"] == process["pid"] {
				return Reading{Name: "monitor_resident", Truth: "recorded after its work", Seen: fmt.Sprintf("%s of %s", mebibytes(kib<<10), monitor["name"])}, true
			}
		}
	}
	return Reading{}, false
}
