package certification

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// demanded is the demand of a pod, or nothing.
func demanded(pod *corev1.Pod) string {
	if pods.PrivilegedEphemeral(pod) {
		return "ephemeral"
	}
	for _, d := range pods.Demands() {
		if d.Kept(pod) {
			return d.Name
		}
	}
	return ""
}

func accept(a asked) http.HandlerFunc {
	a.pod.TypeMeta = metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}
	return answer(http.StatusCreated, a.pod)
}

func deny(message string) http.HandlerFunc {
	return refusal(http.StatusForbidden, metav1.StatusReasonForbidden, message)
}

// baseline admits what Pod Security does, with the levels of a run's namespaces.
func baseline(a asked) http.HandlerFunc {
	if what := demanded(a.pod); what != "" && a.namespace != "run-node" {
		return deny(fmt.Sprintf("pods %q is forbidden: violates PodSecurity \"baseline:latest\": %s", a.pod.Name, what))
	}
	return accept(a)
}

func TestEachDemandIsOne(t *testing.T) {
	names := map[string]bool{}
	for _, d := range pods.Demands() {
		pod := running(evidence.Subject, "run-a")
		if d.Kept(pod) {
			t.Errorf("a tenant's plain pod has %s", d.Name)
		}
		d.Make(pod)
		if !d.Kept(pod) || names[d.Name] {
			t.Errorf("%s is not made, or there twice", d.Name)
		}
		names[d.Name] = true
	}
}

func TestAdmissionMatrix(t *testing.T) {
	but := func(match func(asked) bool, then http.HandlerFunc) func(asked) http.HandlerFunc {
		return func(a asked) http.HandlerFunc {
			if match(a) {
				return then
			}
			return baseline(a)
		}
	}
	asks := func(namespace, what string) func(asked) bool {
		return func(a asked) bool { return a.namespace == namespace && demanded(a.pod) == what }
	}
	for _, test := range []struct {
		name   string
		admit  func(asked) http.HandlerFunc
		change func(*targetRun)
		want   judge.Result
		says   []string
	}{
		{"a cluster that is set up well", baseline, nil, judge.Pass, []string{"api grants all 17 where they may be", "api refuses all 16 requests (by pod-security)"}},
		{"one demand is let through", func(a asked) http.HandlerFunc {
			if demanded(a.pod) == "host-pid" {
				return accept(a)
			}
			return baseline(a)
		}, nil, judge.Fail, []string{"api grants what it must refuse: host-pid"}},
		{"the controller is exempted", func(a asked) http.HandlerFunc {
			if a.who == replicaSetController {
				return accept(a)
			}
			return baseline(a)
		}, nil, judge.Fail, []string{"grants what it must refuse: controller-privileged"}},
		{"an ephemeral container is let through", func(a asked) http.HandlerFunc {
			if demanded(a.pod) == "ephemeral" {
				return accept(a)
			}
			return baseline(a)
		}, nil, judge.Fail, []string{"grants what it must refuse: ephemeral-privileged"}},
		{"a webhook takes the demand away", func(a asked) http.HandlerFunc {
			if asks("run-a", "host-ipc")(a) {
				a.pod.Spec.HostIPC = false
				return accept(a)
			}
			return baseline(a)
		}, nil, judge.Pass, []string{"by mutation, pod-security"}},
		{"a webhook refuses", but(asks("run-a", "host-path"), refusal(http.StatusForbidden, "", `admission webhook "validate.kyverno.svc" denied the request: no`)),
			nil, judge.Pass, []string{"by pod-security, webhook/validate.kyverno.svc"}},
		{"a policy refuses", but(asks("run-a", "host-port"), refusal(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, `pods "x" is forbidden: ValidatingAdmissionPolicy 'ports' with binding 'b' denied request: no`)),
			nil, judge.Pass, []string{"by pod-security, policy/ports"}},
		{"the plain pod is refused, too", but(asks("run-a", ""), deny(`pods "x" is forbidden: exceeded quota: pods=0`)), nil, judge.Error,
			[]string{"did not grant the plain request either (refused by admission)", "exceeded quota"}},
		{"the account has no right", but(func(a asked) bool { return a.namespace == "run-a" }, deny(`pods is forbidden: User "x" cannot create resource "pods" in API group ""`)),
			nil, judge.Error, []string{"did not grant the plain request either (error)", "cannot create resource"}},
		{"an error in the middle", but(asks("run-a", "selinux-type"), refusal(http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcd is gone")),
			nil, judge.Error, []string{"neither grants nor refuses selinux-type", "etcd is gone"}},
		{"a webhook that knows no dry run", but(asks("run-a", "selinux-type"), refusal(http.StatusBadRequest, metav1.StatusReasonBadRequest, `admission webhook "x" does not support dry run`)),
			nil, judge.Error, []string{"neither grants nor refuses selinux-type", "does not support dry run"}},
		{"refused everywhere", but(func(a asked) bool { return demanded(a.pod) == "host-device" }, deny(`admission webhook "x" denied the request: no`)),
			nil, judge.Invalid, []string{"does not grant host-device where it may be (refused by webhook/x)", "not shown able to fail"}},
		{"an error where it must be granted", but(asks("run-node", "host-device"), refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "busy")),
			nil, judge.Error, []string{"neither grants nor refuses host-device where it may be", "busy"}},
		{"katacert may not impersonate", but(func(a asked) bool { return a.who == replicaSetController }, deny(`serviceaccounts "x" is forbidden: User "u" cannot impersonate resource "serviceaccounts"`)),
			nil, judge.Pass, []string{"api refuses all 15 requests"}},
		{"the subject does not run", baseline, func(run *targetRun) { run.seats[1].err = fmt.Errorf("the image is gone") }, judge.Error,
			[]string{"neither grants nor refuses ephemeral-privileged", "does not run"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			handlers, given := asking(t, test.admit)
			o := askOne(t, handlers, "admission", test.change)
			expectNoToken(t, o, given)
			got := verdict(t, "admission-matrix", o)
			for _, text := range test.says {
				if got.Result != test.want || !strings.Contains(got.Reason, text) {
					t.Errorf("%s (%s), want %s that says %q", got.Result, got.Reason, test.want, text)
				}
			}
		})
	}
}

// The tenant is itself in its own namespace and in the run's, and nobody else.
func TestAdmissionIsAskedAsTheTenant(t *testing.T) {
	handlers, _ := asking(t, func(a asked) http.HandlerFunc {
		if a.who != "run-a/tenant" && a.who != replicaSetController {
			t.Errorf("%s asked for a pod in %s", a.who, a.namespace)
		}
		if class := classOf(a.pod); class != "gvisor" {
			t.Errorf("asked for a pod of RuntimeClass %s", class)
		}
		return baseline(a)
	})
	askOne(t, handlers, "admission", nil)
}

func TestNoTokenNoAnswer(t *testing.T) {
	for _, test := range []struct{ question, control string }{{"admission", "admission-matrix"}, {"class-choice", "runtimeclass-enforced"}} {
		handlers, _ := asking(t, baseline)
		handlers["POST /api/v1/namespaces/{ns}/serviceaccounts/{name}/token"] = deny("tokens are not given")
		o := askOne(t, handlers, test.question, nil)
		got := verdict(t, test.control, o)
		if o.State != evidence.Failed || got.Result != judge.Error || !strings.Contains(got.Reason, "request a token of service account run-a/tenant: tokens are not given") {
			t.Errorf("%s: %s (%s)", test.control, got.Result, got.Reason)
		}
	}
}

// Messages of webhooks are anybody's text.
func TestMessagesAreBounded(t *testing.T) {
	if got := printable("a\n\x1b[31mb\u202e" + strings.Repeat("x", 9999)); len(got) > 400 || strings.ContainsAny(got, "\n\x1b\u202e") || !strings.HasPrefix(got, "a [31mbx") {
		t.Errorf("%d bytes: %.40q", len(got), got)
	}
}
