package judge_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// requireVerdict checks a rule's verdict and its reason.
func requireVerdict(t *testing.T, rule judge.Rule, s *scene.Scene, want judge.Result, reason string) {
	t.Helper()
	if v := judge.Judge(rule, s.Evidence()); v.Result != want || !strings.Contains(v.Reason, reason) {
		t.Errorf("%s (%s), want %s with %q", v.Result, v.Reason, want, reason)
	}
}

func TestLeftOnNode(t *testing.T) {
	control := evidence.Weakened("privileged")
	rule := judge.Rule{Detects: judge.LeftOnNode("sealed", "sealed-volume"), Control: control, Subject: evidence.GuestRoot}
	sign := func(v evidence.Vantage) string { return "sealed " + scene.Nonce(v, evidence.LookAgain) }
	whole := func(touched ...string) *scene.Scene {
		s := scene.New().
			Saw(evidence.Witness, evidence.Act, "plants", evidence.Values{"planted": evidence.List("sealed in 3 volumes"), "failed": evidence.List()}).
			Saw(evidence.Witness, evidence.Settle, "plants", evidence.Values{"touched": evidence.List(touched...), "untold": evidence.List()})
		for _, v := range []evidence.Vantage{control, evidence.GuestRoot} {
			s.Saw(v, evidence.LookAgain, "sealed-volume", evidence.Values{"tried": evidence.List("as it is: EROFS")})
		}
		return s
	}
	shown := sign(control)
	requireVerdict(t, rule, whole(shown), judge.Pass, "guest-root left no trace")
	requireVerdict(t, rule, whole(shown, sign(evidence.GuestRoot)), judge.Fail, "guest-root left its sign")
	requireVerdict(t, rule, whole(), judge.Invalid, "not shown able to fail")
	// Another round's nonce is nobody's sign.
	requireVerdict(t, rule, whole("sealed "+scene.Nonce(control, evidence.Look)), judge.Invalid, "")

	s := whole(shown).Set(evidence.Witness, evidence.Settle, "plants", "untold", evidence.List("sealed: changed by somebody who did not sign"))
	requireVerdict(t, rule, s, judge.Error, "did not sign")
	s = whole(shown).Got(evidence.GuestRoot, evidence.LookAgain, "sealed-volume", evidence.Absent, "what the pod has at /sealed is not the node's folder")
	requireVerdict(t, rule, s, judge.NotApplicable, "not the node's folder")
	s = whole(shown).Saw(evidence.GuestRoot, evidence.LookAgain, "sealed-volume", evidence.Values{"tried": evidence.List()})
	requireVerdict(t, rule, s, judge.Error, "does not say what it tried")
	// Nothing planted: the probes were told nothing, which is no lack of theirs.
	s = whole().Saw(evidence.Witness, evidence.Act, "plants", evidence.Values{"planted": evidence.List(), "failed": evidence.List("sealed: no folder of pods")})
	for _, v := range []evidence.Vantage{control, evidence.GuestRoot} {
		s.Got(v, evidence.LookAgain, "sealed-volume", evidence.Absent, "was not told of a file")
	}
	requireVerdict(t, rule, s, judge.NotApplicable, "no folder of pods")
}

func TestShowsNodesProcSys(t *testing.T) {
	control := evidence.Weakened("host-path-proc")
	rule := judge.Rule{Detects: judge.ShowsNodesProcSys(), Control: control}
	seen := func(processes, bootIDs, addresses []string) evidence.Values {
		return evidence.Values{"processes": evidence.List(processes...), "boot_ids": evidence.List(bootIDs...), "vmcoreinfo": evidence.List(addresses...)}
	}
	for _, test := range []struct {
		name, reason string
		subject      evidence.Values
		want         judge.Result
	}{
		{"nothing", "at none of its mounts", seen(nil, nil, nil), judge.Pass},
		{"another kernel's", "at none of its mounts", seen(nil, []string{"guest"}, []string{"2000"}), judge.Pass},
		{"the planted process", "planted on the node at /x/1", seen([]string{"/x/1"}, nil, nil), judge.Fail},
		{"the node's boot id", "the node's own procfs", seen(nil, []string{"guest", "node"}, nil), judge.Fail},
		{"the node's vmcoreinfo", "the node's own sysfs", seen(nil, nil, []string{"1000"}), judge.Fail},
		{"no readings", "gave no list processes", evidence.Values{}, judge.Error},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.New().
				Saw(evidence.Witness, evidence.Act, "plants", evidence.Values{"planted": evidence.List("process 1"), "failed": evidence.List()}).
				Saw(evidence.Witness, evidence.Look, "boot-id", evidence.Values{"boot_id": evidence.Text("node")}).
				Saw(evidence.Witness, evidence.Look, "vmcoreinfo", evidence.Values{"address": evidence.Text("1000")}).
				Saw(control, evidence.LookAgain, "procsys", seen([]string{"/host-proc/1"}, []string{"node"}, nil)).
				Saw(evidence.Subject, evidence.LookAgain, "procsys", test.subject)
			requireVerdict(t, rule, s, test.want, test.reason)
		})
	}
}

func TestOpensReleaseAgent(t *testing.T) {
	control := evidence.Weakened("privileged")
	rule := judge.Rule{Detects: judge.OpensReleaseAgent(), Control: control}
	whole := func(hierarchies []string, subjectBoot string, opened ...string) *scene.Scene {
		s := scene.New().Saw(evidence.Witness, evidence.Look, "release-agent", evidence.Values{"hierarchies": evidence.List(hierarchies...)})
		for v, boot := range map[evidence.Vantage]string{evidence.Witness: "node", control: "node", evidence.Subject: subjectBoot} {
			s.Saw(v, evidence.Look, "boot-id", evidence.Values{"boot_id": evidence.Text(boot)})
		}
		return s.Saw(control, evidence.Look, "release-agent", evidence.Values{"opened": evidence.List("private mount memory")}).
			Saw(evidence.Subject, evidence.Look, "release-agent", evidence.Values{"opened": evidence.List(opened...)})
	}
	one := []string{"/sys/fs/cgroup/memory"}
	requireVerdict(t, rule, whole(one, "node"), judge.Pass, "searched and reached nothing")
	requireVerdict(t, rule, whole(one, "node", "user namespace memory"), judge.Fail, "user namespace memory")
	requireVerdict(t, rule, whole(one, "guest", "private mount memory"), judge.Pass, "of a kernel of its own")
	requireVerdict(t, rule, whole(nil, "node"), judge.NotApplicable, "shows no release_agent")
}

// What is opened counts as the node's or the guest's only if it is known whose
// kernel answered.
func TestOnNodesKernelNeedsTheBootID(t *testing.T) {
	control := evidence.Weakened("privileged")
	rule := judge.Rule{Detects: judge.OnNodesKernel(judge.Reached("core-pattern", "opened", evidence.Look)), Control: control}
	s := scene.New()
	for _, v := range []evidence.Vantage{control, evidence.Subject} {
		s.Saw(v, evidence.Look, "core-pattern", evidence.Values{"opened": evidence.List("/proc/sys/kernel/core_pattern")})
	}
	for v, boot := range map[evidence.Vantage]string{evidence.Witness: "node", control: "node", evidence.Subject: "guest"} {
		s.Saw(v, evidence.Look, "boot-id", evidence.Values{"boot_id": evidence.Text(boot)})
	}
	requireVerdict(t, rule, s, judge.Pass, "of a kernel of its own")
	s.Got(evidence.Subject, evidence.Look, "boot-id", evidence.Absent, "ENOENT")
	requireVerdict(t, rule, s, judge.Error, "cannot be told whose kernel it is")
}
