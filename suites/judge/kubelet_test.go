package judge_test

import (
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// strangers are answered so at the kubelet's two paths.
func strangers(pods, running string) func(*scene.Scene) {
	return set(evidence.API, evidence.Look, "kubelet-anonymous", "asked",
		evidence.List("what=/pods result="+pods, "what=/runningpods/ result="+running))
}

// A pass on net-kubelet rests on each part of what is shown.
func TestKubeletIsShown(t *testing.T) {
	control := evidence.Weakened("host-network")
	rule := judge.Rule{Detects: judge.OpensKubelet(), Shows: judge.MeetsOpenKubelet(), Control: control}
	for _, test := range []struct {
		name  string
		edits edits
		want  judge.Result
	}{
		{"all of it", nil, judge.Pass},
		{"the control does not reach the port", edits{set(control, evidence.LookAgain, "kubelet", "reached", evidence.List())}, judge.Invalid},
		{"the stand-in tells the control nothing", edits{set(control, evidence.LookAgain, "kubelet", "stand_in", evidence.Text("status 200"))}, judge.Invalid},
		{"no stand-in was planted", edits{set(evidence.Witness, evidence.Act, "plants", "planted", evidence.List()),
			set(evidence.Witness, evidence.Act, "plants", "failed", evidence.List("kubelet: EADDRINUSE"))}, judge.NotApplicable},
		{"the kubelet refuses the API server", edits{set(evidence.API, evidence.Look, "kubelet-anonymous", "shown",
			evidence.List("what=/pods result=granted", "what=/runningpods/ result=refused"))}, judge.Invalid},
		{"the API server was not answered", edits{set(evidence.API, evidence.Look, "kubelet-anonymous", "shown",
			evidence.List("what=/pods result=granted", "what=/runningpods/ result=error"))}, judge.Error},
		{"an open kubelet that the pod reaches", edits{strangers("granted", "granted"),
			set(evidence.Subject, evidence.LookAgain, "kubelet", "reached", evidence.List("10250"))}, judge.Fail},
		{"no kubelet on this node", edits{set(evidence.Witness, evidence.LookAgain, "kubelet", "reached", evidence.List())}, judge.NotApplicable},
	} {
		verdict := judge.Judge(rule, sound(test.edits...).Evidence())
		if verdict.Result != test.want {
			t.Errorf("%s: %s (%s), want %s", test.name, verdict.Result, verdict.Reason, test.want)
		}
	}
}
