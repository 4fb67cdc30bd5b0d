package certification

import (
	"context"
	"fmt"
	"maps"

	"golang.org/x/sync/errgroup"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// round lets the given seats look at the same time, one exec each.
func (t *targetRun) round(ctx context.Context, round evidence.Round, seats ...*seat) {
	var group errgroup.Group
	group.SetLimit(t.r.o.Timeouts.looksAtOnce())
	for _, s := range seats {
		group.Go(func() error {
			record := t.look(ctx, s, round)
			if s.vantage == evidence.Witness {
				t.check(&record)
				maps.Copy(t.given, probes.Given(record.Observations))
				if round == evidence.Look {
					t.spare(record)
				}
			}
			t.r.evidence.add(record)
			return nil
		})
	}
	_ = group.Wait() // look never fails; what goes wrong is in the record
}

// spare notes what the subject's sandbox is, and lets nobody burn CPU time where
// the subject's kernel is a process by design: there is no virtual machine monitor
// to bind it to.
func (t *targetRun) spare(witnessed evidence.Record) {
	shims, ok := witnessed.Observation("shims")
	subject := t.seat(evidence.Subject)
	if !ok || subject == nil || subject.pod == nil {
		return
	}
	sandbox, err := judge.SandboxIn(shims, string(subject.pod.UID))
	if err != nil {
		return
	}
	t.kind = sandbox.Kind()
	if t.kind == judge.KindUserKernel {
		t.skip = []string{"burn"}
	}
}

// check makes sure that the witness stands on the node: the boot id that it
// reads must be the one that the node's own kubelet reports. A witness that was
// put into a sandbox, or onto another node, would make every comparison false.
func (t *targetRun) check(record *evidence.Record) {
	o, ok := record.Observation("boot-id")
	if record.Error != "" || record.Round != evidence.Look {
		return
	}
	want := t.target.Node.Status.NodeInfo.BootID
	if got, _ := o.Values.Text("boot_id"); !ok || got == "" || got != want {
		reason := fmt.Sprintf("the witness reads boot id %q and the node's kubelet reports %q: it does not stand on node %s (is the reference RuntimeClass a plain container?)",
			got, want, t.target.Node.Name)
		record.Error, record.Observations = reason, nil
		t.witness().err = fmt.Errorf("%s", reason)
	}
}
