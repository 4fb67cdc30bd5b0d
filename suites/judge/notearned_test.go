package judge_test

import (
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// What was cut off, not answered or not told clears nobody.
func TestNothingIsClearedByWhatIsNotThere(t *testing.T) {
	list, number, text := evidence.List, evidence.Number, evidence.Text
	const subject, witness, look, again = evidence.Subject, evidence.Witness, evidence.Look, evidence.LookAgain
	set := func(v evidence.Vantage, round evidence.Round, probe, reading string, value evidence.Value) func(*scene.Scene) {
		return func(s *scene.Scene) { s.Set(v, round, probe, reading, value) }
	}
	for _, test := range []struct {
		name    string
		change  func(*scene.Scene)
		detects judge.Detection
	}{
		{"a list of mounts that was cut off", set(subject, look, "mountinfo", "truncated", number(1)), judge.SharesAny("mountinfo", "overlay_dirs")},
		{"a list of PCI functions that was cut off", set(subject, look, "pci", "truncated", number(1)), judge.SameSet("pci", "devices")},
		{"processes that were not all searched", set(subject, again, "planted-process", "unsearched", number(1)), judge.Planted("process", "planted-process", "seen")},
		{"volumes that were not all looked into", set(subject, again, "procsys", "unsearched", number(1)), judge.ShowsNodesProcSys()},
		{"monitors that were not all looked for", set(witness, evidence.Settle, "vmm-processes", "truncated", number(1)), judge.Unbound()},
		{"memory that was not measured whole", set(witness, evidence.Act, "sandbox-memory", "truncated", number(1)), judge.LacksOverhead()},
		{"a node whose own namespaces are not told", set(witness, look, "sandbox-processes", "node_ns", text("pid:1")), judge.NodesNetwork()},
		{"merged pages on a kernel without smaps", func(s *scene.Scene) {
			s.Set(witness, look, "sandbox-processes", "ksm_run", number(1))
			s.Set(witness, look, "sandbox-processes", "unflagged", list("pid=111"))
		}, judge.SharesMemory()},
		{"an agent that did not answer", func(s *scene.Scene) {
			s.Set(subject, again, "vsock-agent", "refused", list())
			s.Set(subject, again, "vsock-agent", "unanswered", list("1024: connection timed out"))
		}, judge.ReachesAgent()},
		{"no port of the agent that was tried", set(subject, again, "vsock-agent", "refused", list()), judge.ReachesAgent()},
		{"no port of the node that was called", set(subject, again, "vsock-ports", "tried", number(0)), judge.ReachesVsock()},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.Whole(scene.ShimKata, scene.Guest())
			expectSight(t, sight(s, test.detects), judge.Undetected)
			test.change(s)
			expectSight(t, sight(s, test.detects), judge.Unknown)
		})
	}
}

// Two guests that both draw zeros draw the same.
func TestRandomZerosAreTheSame(t *testing.T) {
	zeros := evidence.Text("0000000000000000000000000000000000000000000000000000000000000000")
	s := scene.Whole(scene.ShimKata, scene.Guest())
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.Witness} {
		s.Set(v, evidence.Look, "random", "getrandom", zeros)
	}
	expectSight(t, sight(s, judge.SharesRandomness()), judge.Detected)
}
