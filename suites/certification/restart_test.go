package certification

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes/fake"

	"github.com/katacert/katacert/fixtures/pods"
)

// A pod's end is put down to its node's restart where the node did restart, and the
// failure itself stays what it was.
func TestExplain(t *testing.T) {
	failure := &pods.Failure{Namespace: "ns", Pod: "p", Container: "probe", Reason: "Error", Message: "exit code 255", Advice: "see its log"}
	for name, test := range map[string]struct {
		before, now string
		there       bool
		restarted   bool
	}{
		"the same boot":    {"boot-1", "boot-1", true, false},
		"another boot":     {"boot-1", "boot-2", true, true},
		"no boot known":    {"", "boot-2", true, false},
		"no node any more": {"boot-1", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			if test.there {
				now := node("node-1")
				now.Status.NodeInfo.BootID = test.now
				client = fake.NewClientset(now)
			}
			run := &targetRun{r: &runner{client: client, o: Options{Timeouts: DefaultTimeouts(1)}}, target: Target{Node: *node("node-1")}}
			run.target.Node.Status.NodeInfo.BootID = test.before
			err := run.explain(t.Context(), failure)
			if restarted := strings.Contains(err.Error(), "node node-1 restarted during the run"); restarted != test.restarted {
				t.Errorf("restarted %t, want %t: %v", restarted, test.restarted, err)
			}
			var same *pods.Failure
			if !errors.As(err, &same) || same != failure {
				t.Errorf("the failure is lost in %v", err)
			}
		})
	}
}
