package judge_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

func TestLacksOverhead(t *testing.T) {
	rule := judge.Rule{Detects: judge.LacksOverhead(), Control: evidence.Reference}
	api := func(reading string, bytes int64) func(*scene.Scene) {
		return func(s *scene.Scene) { s.Set(evidence.API, evidence.Look, "overhead", reading, evidence.Number(bytes)) }
	}
	held := func(line string) func(*scene.Scene) {
		return func(s *scene.Scene) {
			s.Set(evidence.Witness, evidence.Act, "sandbox-memory", "sandboxes", evidence.List(line,
				"pod_uid="+scene.UID(evidence.Reference)+" shim_kib=9000 rest_kib=4000 processes=3 unread=0"))
		}
	}
	subject := "pod_uid=" + scene.UID(evidence.Subject)
	for _, test := range []struct {
		name   string
		change func(*scene.Scene)
		want   judge.Result
		says   string
	}{
		{"it is counted", func(*scene.Scene) {}, judge.Pass, "subject holds 136.7 MiB of the node's memory, within its overhead of 160.0 MiB and its requests of 32.0 MiB"},
		{"just enough", held(subject + " shim_kib=0 rest_kib=196608 processes=3 unread=0"), judge.Pass, "192.0 MiB"},
		{"one page too many", held(subject + " shim_kib=4 rest_kib=196608 processes=3 unread=0"), judge.Fail, "more than its overhead"},
		{"none is set", func(s *scene.Scene) {
			api("class_overhead_bytes", 0)(s)
			api("subject_overhead_bytes", 0)(s)
		}, judge.Fail, "subject has no overhead that the scheduler would count, while its processes on the node hold 136.7 MiB"},
		{"the pod lost it", api("subject_overhead_bytes", 0), judge.Fail, "carries an overhead of 0.0 MiB where its RuntimeClass says 160.0 MiB"},
		{"the reference has one", api("reference_overhead_bytes", 32<<20), judge.Invalid, "reference holds 12.7 MiB"},
		{"the subject did not run", func(s *scene.Scene) { s.Unset(evidence.API, evidence.Look, "overhead", "subject_overhead_bytes") }, judge.Error, "did not run as asked"},
		{"the class is not known", func(s *scene.Scene) { s.Unset(evidence.API, evidence.Look, "overhead", "class_overhead_bytes") }, judge.Error, "did not say"},
		{"the pod was not measured", held("pod_uid=other shim_kib=1 rest_kib=1 processes=1 unread=0"), judge.Error, "has no processes on the node that the witness measured"},
		{"a process could not be read", held(subject + " shim_kib=1 rest_kib=1 processes=1 unread=1"), judge.Error, "cannot be measured on the node"},
		{"its monitor was not measured", held(subject + " shim_kib=20000 rest_kib=120000 processes=2 unread=0"), judge.Error, "measured 2 processes and saw the node run it by 3"},
		{"the probe did not run", func(s *scene.Scene) { s.Forget(evidence.Witness, evidence.Act, "sandbox-memory") }, judge.Error, "did not run probe sandbox-memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.Whole(scene.ShimKata, scene.Guest())
			test.change(s)
			if got := judge.Judge(rule, s.Evidence()); got.Result != test.want || !strings.Contains(got.Reason, test.says) {
				t.Errorf("%s (%s), want %s that says %q", got.Result, got.Reason, test.want, test.says)
			}
		})
	}
}

// What the monitor holds after the pod's work is told beside what was compared.
func TestOverheadTellsTheMonitor(t *testing.T) {
	s := scene.Whole(scene.ShimKata, scene.Guest())
	s.Saw(evidence.Witness, evidence.Settle, "vmm-processes", scene.VMMs(scene.VMM{PID: 111, RSSKiB: 300 << 10}, scene.VMM{PID: 1, RSSKiB: 9}))
	v := judge.Judge(judge.Rule{Detects: judge.LacksOverhead(), Control: evidence.Reference}, s.Evidence())
	for _, row := range v.Compared {
		if row.Reading == "monitor_resident" {
			if row.Subject != "300.0 MiB of qemu-system-x86_64" || row.Match || v.Result != judge.Pass {
				t.Errorf("%+v: %s", row, v.Result)
			}
			return
		}
	}
	t.Errorf("the monitor is not told: %+v", v.Compared)
}
