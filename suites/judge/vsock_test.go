package judge_test

import (
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

func TestReachesVsock(t *testing.T) {
	list, text := evidence.List, evidence.Text
	for _, test := range []struct {
		name   string
		change func(*scene.Scene)
		want   judge.Outcome
	}{
		{"nobody listens", func(*scene.Scene) {}, judge.Undetected},
		{"somebody listens", func(s *scene.Scene) {
			s.Set(evidence.Subject, evidence.LookAgain, "vsock-ports", "reached", list("1024"))
		}, judge.Detected},
		{"the sweep was cut off", func(s *scene.Scene) {
			s.Set(evidence.Subject, evidence.LookAgain, "vsock-ports", "truncated", evidence.Number(1))
		}, judge.Unknown},
		{"the node's list is not known", func(s *scene.Scene) {
			s.Set(evidence.Witness, evidence.Act, "vsock-ports", "inventory", text("not known"))
		}, judge.Undetected},
		{"no such socket in the guest", func(s *scene.Scene) {
			s.Got(evidence.Subject, evidence.LookAgain, "vsock-ports", evidence.Denied, "EPERM")
		}, judge.NoTruth},
		{"nothing could be planted", func(s *scene.Scene) {
			s.Set(evidence.Witness, evidence.Act, "plants", "planted", list())
			s.Set(evidence.Witness, evidence.Act, "plants", "failed", list("vsock: no /dev/vhost-vsock"))
		}, judge.NoTruth},
		{"the probe failed", func(s *scene.Scene) {
			s.Got(evidence.Subject, evidence.LookAgain, "vsock-ports", evidence.Failed, "EIO")
		}, judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.Whole(scene.ShimKata, scene.Guest())
			test.change(s)
			expectSight(t, sight(s, judge.ReachesVsock()), test.want)
		})
	}
	expectSight(t, sight(scene.Whole(scene.ShimRunc, scene.Node()), judge.ReachesVsock()), judge.NoTruth)
}

func TestReachesAgent(t *testing.T) {
	s := scene.Whole(scene.ShimKata, scene.Guest())
	expectSight(t, sight(s, judge.ReachesAgent()), judge.Undetected)
	expectSight(t, sight(s, judge.CallsItselfByVsock()), judge.Detected)
	s.Set(evidence.Subject, evidence.LookAgain, "vsock-agent", "reached", evidence.List("1024"))
	expectSight(t, sight(s, judge.ReachesAgent()), judge.Detected)
	s.Got(evidence.Subject, evidence.LookAgain, "vsock-agent", evidence.Absent, "no loopback")
	expectSight(t, sight(s, judge.ReachesAgent()), judge.NoTruth)
}

func TestSharesRandomness(t *testing.T) {
	detects := judge.SharesRandomness()
	compare := func(s *scene.Scene) judge.Verdict {
		return judge.Judge(judge.Rule{Detects: detects, Control: evidence.Reference, Truth: evidence.Neighbour}, s.Evidence())
	}
	for name, test := range map[string]struct {
		change func(*scene.Scene)
		want   judge.Result
	}{
		"all differ": {func(*scene.Scene) {}, judge.Pass},
		"the same numbers": {func(s *scene.Scene) {
			s.Set(evidence.Subject, evidence.Look, "random", "getrandom", evidence.Text("drawn by neighbour"))
		}, judge.Fail},
		"the same machine id": {func(s *scene.Scene) {
			for _, v := range []evidence.Vantage{evidence.Subject, evidence.Neighbour} {
				s.Set(v, evidence.Look, "random", "machine_id", evidence.Text("4f2a"))
			}
		}, judge.Fail},
		"the same product UUID": {func(s *scene.Scene) {
			s.Set(evidence.Subject, evidence.Look, "dmi", "product_uuid", evidence.Text("neighbour-uuid"))
		}, judge.Fail},
		"UUIDs of zeros are none": {func(s *scene.Scene) {
			for _, v := range []evidence.Vantage{evidence.Subject, evidence.Neighbour} {
				s.Set(v, evidence.Look, "dmi", "product_uuid", evidence.Text("00000000-0000-0000-0000-000000000000"))
			}
		}, judge.Pass},
		"no firmware tables in either": {func(s *scene.Scene) {
			for _, v := range []evidence.Vantage{evidence.Subject, evidence.Neighbour, evidence.Reference, evidence.Witness} {
				s.Got(v, evidence.Look, "dmi", evidence.Absent, "")
			}
		}, judge.Pass},
		"one hides its samples": {func(s *scene.Scene) { s.Got(evidence.Subject, evidence.Look, "random", evidence.Denied, "") }, judge.Error},
	} {
		t.Run(name, func(t *testing.T) {
			s := scene.Whole(scene.ShimKata, scene.Guest())
			test.change(s)
			if v := compare(s); v.Result != test.want {
				t.Errorf("%s (%s), want %s", v.Result, v.Reason, test.want)
			}
		})
	}
}
