package judge_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

func TestGranted(t *testing.T) {
	rule := judge.Rule{Detects: judge.Granted("q", "plain"), Shows: judge.GrantedElsewhere("q"), Subject: evidence.API, Control: evidence.API}
	yes, no := func(what string) string { return "what=" + what + " result=granted" }, func(what string) string { return "what=" + what + " result=refused by=x" }
	err := func(what string) string { return "what=" + what + " result=error" }
	lines := func(l ...string) evidence.Value { return evidence.List(l...) }
	for _, test := range []struct {
		name         string
		asked, shown evidence.Value
		want         judge.Result
		says         string
	}{
		{"refused and shown", lines(yes("plain"), no("a"), no("b")), lines(yes("plain"), yes("a"), yes("b")), judge.Pass, "refuses all 2 requests (by x)"},
		{"one is granted", lines(yes("plain"), yes("a"), no("b")), lines(yes("plain"), yes("a"), yes("b")), judge.Fail, "grants what it must refuse: a"},
		{"one is granted, another an error", lines(yes("plain"), yes("a"), err("b")), lines(yes("plain"), yes("a"), yes("b")), judge.Fail, "grants what it must refuse: a"},
		{"one is granted, and was not shown", lines(yes("plain"), yes("a")), lines(yes("plain"), no("a")), judge.Fail, "the control vantage api did not"},
		{"an error", lines(yes("plain"), no("a"), err("b")), lines(yes("plain"), yes("a"), yes("b")), judge.Error, "neither grants nor refuses b: etcd is gone"},
		{"an unknown result", lines(yes("plain"), no("a"), "what=b result=perhaps"), lines(yes("plain"), yes("a"), yes("b")), judge.Error, "neither grants nor refuses b"},
		{"plain is refused", lines(no("plain"), no("a")), lines(yes("plain"), yes("a")), judge.Error, "did not grant the plain request either"},
		{"not shown", lines(yes("plain"), no("a")), lines(yes("plain"), no("a")), judge.Invalid, "does not grant a where it may be (refused by x)"},
		{"an error where it is shown", lines(yes("plain"), no("a")), lines(yes("plain"), err("a")), judge.Error, "neither grants nor refuses a where it may be"},
		{"not asked the same", lines(yes("plain"), no("a")), lines(yes("plain"), yes("b")), judge.Error, "was not asked the same"},
		{"asked for nothing", lines(yes("plain")), lines(yes("plain")), judge.Error, "asked for nothing"},
		{"no answers", lines(), lines(), judge.Error, "was not asked the same"},
		{"a list is missing", evidence.Number(1), lines(yes("a")), judge.Error, "gave no list asked"},
		{"a line without a result", lines("what=a"), lines(yes("a")), judge.Error, `gave the answer "what=a"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.New().Saw(evidence.API, evidence.Look, "q", evidence.Values{"asked": test.asked, "shown": test.shown,
				"said": evidence.List("asked b: etcd is gone")})
			if got := judge.Judge(rule, s.Evidence()); got.Result != test.want || !strings.Contains(got.Reason, test.says) {
				t.Errorf("%s (%s), want %s that says %q", got.Result, got.Reason, test.want, test.says)
			}
		})
	}
}

// Questions that stand on their own need no plain one.
func TestGrantedWithoutAPlainRequest(t *testing.T) {
	s := scene.New().Saw(evidence.API, evidence.Look, "q", evidence.Values{"asked": evidence.List("what=a result=granted token=found"), "shown": evidence.List("what=a result=granted")})
	rule := judge.Rule{Detects: judge.Granted("q", ""), Shows: judge.GrantedElsewhere("q"), Subject: evidence.API, Control: evidence.API}
	got := judge.Judge(rule, s.Evidence())
	if got.Result != judge.Fail || len(got.Compared) != 1 || got.Compared[0].Subject != "granted token found" || got.Compared[0].Control != "granted" || !got.Compared[0].Match {
		t.Errorf("%+v", got)
	}
}
