package judge_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// What one tenant says of itself must not hide what its peer found.
func TestNoTenantHidesWhatAnotherFound(t *testing.T) {
	const files = "tenant-files"
	rule := judge.Rule{Detects: judge.FindsTenantData(files, "dataset"), Control: evidence.Weakened("host-path-root")}
	whole := func() *scene.Scene { return scene.Whole(scene.ShimKata, scene.Guest()) }
	found := func() *scene.Scene {
		return whole().Saw(evidence.NeighbourSuccessor, evidence.Aftermath, files, evidence.Values{"found": evidence.List("dataset-a /data/dataset.bin")})
	}
	first := func(s *scene.Scene, state evidence.State) *scene.Scene {
		return s.Got(evidence.Subject, evidence.LookAgain, files, state, "so it says")
	}
	for _, test := range []struct {
		name string
		s    *scene.Scene
		want judge.Result
		says string
	}{
		{"nobody found anything", whole(), judge.Pass, "found nothing of the other tenant"},
		{"the last found it", found(), judge.Fail, "neighbour-successor found another tenant's data"},
		{"and the first says that it was refused", first(found(), evidence.Denied), judge.Fail, "neighbour-successor found"},
		{"and the first says that there is nothing to read", first(found(), evidence.Absent), judge.Fail, "neighbour-successor found"},
		{"and the first failed", first(found(), evidence.Failed), judge.Fail, "neighbour-successor found"},
		{"and the first sent nothing that can be believed", found().Break(evidence.Subject, evidence.LookAgain, "cut off"), judge.Fail, "neighbour-successor found"},
		{"one was refused", first(whole(), evidence.Denied), judge.Pass, "subject, which was refused: so it says"},
		{"one has nothing to read", first(whole(), evidence.Absent), judge.NotApplicable, "subject in round look-again has no such interface"},
		{"one was cut off too soon", whole().Saw(evidence.Neighbour, evidence.LookAgain, files, evidence.Values{"found": evidence.List(), "unsearched": evidence.Number(1)}),
			judge.Error, "cut off before it had searched"},
		{"one failed and one has nothing to read", first(whole().Got(evidence.Neighbour, evidence.LookAgain, files, evidence.Absent, ""), evidence.Failed),
			judge.Error, "could not run probe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := judge.Judge(rule, test.s.Evidence())
			if v.Result != test.want || !strings.Contains(v.Reason, test.says) {
				t.Errorf("%s (%s), want %s that says %q", v.Result, v.Reason, test.want, test.says)
			}
		})
	}
}

// Readings of a probe that says it saw nothing are no readings.
func TestWhoSawNothingHasNoReadings(t *testing.T) {
	for _, state := range []evidence.State{evidence.Absent, evidence.Denied} {
		s := scene.Whole(scene.ShimKata, scene.Guest())
		heard := "listener " + scene.Nonce(evidence.Neighbour, evidence.LookAgain)
		s.Put(evidence.Neighbour, evidence.Settle, evidence.Observation{Probe: "listener-log", State: state, Values: evidence.Values{"touched": evidence.List(heard)}})
		v := judge.Judge(judge.Rule{Detects: judge.CallsOtherTenant(), Control: evidence.Reference}, s.Evidence())
		if v.Result != judge.Error {
			t.Errorf("a listener's log that is %s: %s (%s), want error", state, v.Result, v.Reason)
		}
	}
}

func TestTwoSandboxesOfOnePodAreNone(t *testing.T) {
	line := func(shim, digest string) string {
		return "pod_uid=" + scene.UID(evidence.Subject) + " sandbox=s handler=kata shim=" + shim + " sha256=" + digest + " pid=1"
	}
	for _, test := range []struct {
		name  string
		lines []string
		says  string
	}{
		{"one", []string{line(scene.ShimKata, "00")}, ""},
		{"two processes of one shim", []string{line(scene.ShimKata, "00"), strings.Replace(line(scene.ShimKata, "00"), "pid=1", "pid=2", 1)}, ""},
		{"of two runtimes", []string{line(scene.ShimKata, "00"), line(scene.ShimRunc, "11")}, "has two sandboxes"},
		{"of two programs", []string{line(scene.ShimKata, "00"), line(scene.ShimKata, "11")}, "has two sandboxes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := evidence.Observation{State: evidence.Seen, Values: evidence.Values{"sandboxes": evidence.List(test.lines...)}}
			_, err := judge.SandboxIn(o, scene.UID(evidence.Subject))
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}

// Who claims to have burned little would be bound to any monitor that moved.
func TestASmallBurnBindsToNothing(t *testing.T) {
	for reading, small := range map[string]int64{"cpu_us": 2, "memory_bytes": 2} {
		s := scene.Whole(scene.ShimKata, scene.Guest()).Set(evidence.Subject, evidence.LookAgain, "burn", reading, evidence.Number(small))
		v := judge.Judge(judge.Rule{Detects: judge.Unbound(), Control: evidence.Reference}, s.Evidence())
		if v.Result != judge.Error || !strings.Contains(v.Reason, "burned what it was told to") {
			t.Errorf("a burn of %s %d: %s (%s), want error", reading, small, v.Result, v.Reason)
		}
	}
}

func TestTextsOfVerdictsAreBounded(t *testing.T) {
	long, acting := strings.Repeat("é", 1<<17), "\x1b[2J\u202e\u2028</td>"
	v := judge.Verdict{Result: judge.Fail, Reason: acting + long, Compared: []judge.Comparison{{Reading: acting, Truth: long, Control: acting, Subject: long, Match: true}}}
	bounded := v.Bounded()
	const shown = `\x1b[2J\u202e\u2028</td>`
	if !strings.HasPrefix(bounded.Reason, shown) || len(bounded.Reason) > 3*judge.LongestReason || !strings.HasSuffix(bounded.Reason, "bytes in all)") {
		t.Errorf("the reason became %.60q… of %d bytes", bounded.Reason, len(bounded.Reason))
	}
	row := bounded.Compared[0]
	if row.Reading != shown || row.Control != shown || !row.Match || len(row.Truth) > 3*judge.LongestReading || len(row.Subject) > 3*judge.LongestReading {
		t.Errorf("the readings became %.60q, %d, %.60q, %d", row.Reading, len(row.Truth), row.Control, len(row.Subject))
	}
	if v.Compared[0].Truth != long {
		t.Error("the verdict that was bounded changed")
	}
}
