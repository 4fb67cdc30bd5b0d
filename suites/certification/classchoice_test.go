package certification

import (
	"net/http"
	"strings"
	"testing"

	"github.com/katacert/katacert/suites/judge"
)

func TestRuntimeClassEnforced(t *testing.T) {
	enforced := func(a asked) http.HandlerFunc {
		if classOf(a.pod) != "gvisor" && a.namespace != "run-node" {
			return refusal(http.StatusUnprocessableEntity, "Invalid", `pods "x" is forbidden: ValidatingAdmissionPolicy 'classes' with binding 'b' denied request: no`)
		}
		return accept(a)
	}
	for _, test := range []struct {
		name   string
		admit  func(asked) http.HandlerFunc
		change func(*targetRun)
		want   judge.Result
		says   []string
	}{
		{"a policy enforces it", enforced, nil, judge.Pass, []string{"refuses all 3 requests (by policy/classes)"}},
		{"nobody does", accept, nil, judge.Fail, []string{"grants what it must refuse: controller-no-class, no-class, reference-class"}},
		{"a webhook sets it", func(a asked) http.HandlerFunc {
			if a.namespace == "run-a" {
				a.pod.Spec.RuntimeClassName = new("gvisor")
			}
			return accept(a)
		}, nil, judge.Pass, []string{"refuses all 3 requests (by mutation)"}},
		{"a webhook sets another", func(a asked) http.HandlerFunc {
			if classOf(a.pod) == "none" {
				a.pod.Spec.RuntimeClassName = new("runc")
				return accept(a)
			}
			return enforced(a)
		}, nil, judge.Fail, []string{"grants what it must refuse: controller-no-class, no-class"}},
		{"everything is refused", func(a asked) http.HandlerFunc {
			if a.namespace == "run-a" {
				return deny("exceeded quota")
			}
			return accept(a)
		}, nil, judge.Error, []string{"did not grant the plain request either", "exceeded quota"}},
		{"it is enforced everywhere", func(a asked) http.HandlerFunc {
			a.namespace = "run-a"
			return enforced(a)
		}, nil, judge.Invalid, []string{"where it may be"}},
		{"the reference is under certification itself", accept, func(run *targetRun) {
			run.r.plan.Targets = append(run.r.plan.Targets, Target{Class: *class("runc", "runc")})
		}, judge.Fail, []string{"grants what it must refuse: controller-no-class, no-class"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			handlers, given := asking(t, test.admit)
			o := askOne(t, handlers, "class-choice", test.change)
			expectNoToken(t, o, given)
			got := verdict(t, "runtimeclass-enforced", o)
			for _, text := range test.says {
				if got.Result != test.want || !strings.Contains(got.Reason, text) {
					t.Errorf("%s (%s), want %s that says %q", got.Result, got.Reason, test.want, text)
				}
			}
			if said, _ := o.Values.Text("ephemeral"); test.name == "a policy enforces it" && said != "granted, in a pod of RuntimeClass gvisor" {
				t.Errorf("of the ephemeral container it says %q", said)
			}
		})
	}
}
