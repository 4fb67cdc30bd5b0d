package certification

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// explain adds to why a pod does not run, or ended, that its node restarted during
// the run, if it did. All that the pod itself shows of that is a container that nobody
// saw end, or the warnings of a kubelet that has only just begun.
func (t *targetRun) explain(ctx context.Context, err error) error {
	before := t.target.Node.Status.NodeInfo.BootID
	if before == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.r.o.Timeouts.Request)
	defer cancel()
	node, unknown := t.r.client.CoreV1().Nodes().Get(ctx, t.target.Node.Name, metav1.GetOptions{})
	if unknown != nil || node.Status.NodeInfo.BootID == before {
		return err
	}
	return fmt.Errorf("node %s restarted during the run, which says nothing about isolation (see its console, and certify again): %w", t.target.Node.Name, err)
}
