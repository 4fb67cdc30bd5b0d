package certification

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/probes/evidence"
)

// askAPI records what the API server says of the target, besides what it answered
// to other accounts.
func (t *targetRun) askAPI(ctx context.Context, answered []evidence.Observation) evidence.Record {
	s := &seat{vantage: evidence.API}
	record := t.blank(s, evidence.Look, newNonce())
	record.Started = t.asked
	record.Observations = append([]evidence.Observation{t.askClass(ctx), t.overhead()}, answered...)
	if t.r.plan.gpus() {
		record.Observations = append(record.Observations, t.gpuObservation())
	}
	record.Finished = time.Now().UTC()
	return record
}

// askClass observes what became of the RuntimeClass: the node's handlers, and the
// class that the pods under test kept.
func (t *targetRun) askClass(ctx context.Context) evidence.Observation {
	const probe = "runtimeclass"
	ctx, cancel := context.WithTimeout(ctx, t.r.o.Timeouts.Request)
	defer cancel()
	node, err := t.r.client.CoreV1().Nodes().Get(ctx, t.target.Node.Name, metav1.GetOptions{})
	if err != nil {
		return evidence.Observation{Probe: probe, State: evidence.Failed, Detail: fmt.Sprintf("read node %s: %v", t.target.Node.Name, err)}
	}
	handlers := []string{}
	for _, h := range node.Status.RuntimeHandlers {
		if h.Name != "" {
			handlers = append(handlers, h.Name)
		}
	}
	values := evidence.Values{
		"runtime_class": evidence.Text(t.target.Class.Name),
		"handler":       evidence.Text(t.target.Class.Handler),
		"node_handlers": evidence.List(handlers...),
		"node_runtime":  evidence.Text(node.Status.NodeInfo.ContainerRuntimeVersion),
	}
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.Neighbour, evidence.GuestRoot, evidence.Trainer} {
		if s := t.seat(v); s != nil && s.pod != nil && s.err == nil {
			values[string(v)+"_runtime_class"] = evidence.Text(describe(s.pod, "").RuntimeClass)
		}
	}
	return evidence.Observation{Probe: probe, State: evidence.Seen, Values: values}
}

// overhead observes what the scheduler counted for pods besides their containers,
// and what their RuntimeClass says of it, in bytes of memory.
func (t *targetRun) overhead() evidence.Observation {
	values := evidence.Values{"class_overhead_bytes": evidence.Number(0)}
	if fixed := t.target.Class.Overhead; fixed != nil {
		values["class_overhead_bytes"] = evidence.Number(fixed.PodFixed.Memory().Value())
	}
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.Reference} {
		s := t.seat(v)
		if s == nil || s.pod == nil || s.err != nil {
			continue
		}
		var requests int64
		for _, c := range s.pod.Spec.Containers {
			requests += c.Resources.Requests.Memory().Value()
		}
		values[string(v)+"_overhead_bytes"] = evidence.Number(s.pod.Spec.Overhead.Memory().Value())
		values[string(v)+"_requests_bytes"] = evidence.Number(requests)
	}
	return evidence.Observation{Probe: "overhead", State: evidence.Seen, Values: values}
}
