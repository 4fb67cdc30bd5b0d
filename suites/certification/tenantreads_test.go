package certification

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// reading answers the reads of tenants' accounts, where may allows them.
func reading(t *testing.T, secret []byte, may func(who, namespace, what string) http.HandlerFunc) (map[string]http.HandlerFunc, *tokens) {
	t.Helper()
	handlers, given := asking(t, accept)
	for path, what := range map[string]string{
		"GET /api/v1/namespaces/{ns}/pods":                   "list-pods",
		"GET /api/v1/namespaces/{ns}/configmaps":             "list-configmaps",
		"GET /api/v1/namespaces/{ns}/persistentvolumeclaims": "list-claims",
		"GET /api/v1/namespaces/{ns}/secrets/{name}":         "get-secret",
		"GET /api/v1/namespaces/{ns}/pods/{name}/log":        "get-log",
		"POST /api/v1/namespaces/{ns}/pods/{name}/exec":      "exec",
	} {
		handlers[path] = func(w http.ResponseWriter, r *http.Request) {
			namespace := r.PathValue("ns")
			if refuse := may(given.of(r), namespace, what); refuse != nil {
				refuse(w, r)
				return
			}
			switch what {
			case "get-secret":
				tenant := strings.TrimPrefix(namespace, "run-")
				token := probes.Token(probes.TenantSeed(secret, tenant), probes.DataSecret)
				answer(http.StatusOK, corev1.Secret{TypeMeta: metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"}, Data: map[string][]byte{pods.SecretKey: []byte(token)}})(w, r)
			case "exec":
				refusal(http.StatusBadRequest, metav1.StatusReasonBadRequest, "Upgrade request required")(w, r)
			case "get-log":
				_, _ = w.Write([]byte("x"))
			default:
				answer(http.StatusOK, metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{Kind: "List", APIVersion: "v1"}})(w, r)
			}
		}
	}
	return handlers, given
}

// atHome allows a tenant's account its own namespace and nothing else.
func atHome(who, namespace, what string) http.HandlerFunc {
	if who != namespace+"/"+pods.TenantAccount {
		return deny(`x is forbidden: User "` + who + `" cannot ` + what + ` resource`)
	}
	return nil
}

func TestTenantAPI(t *testing.T) {
	secret := newSecret()
	for _, test := range []struct {
		name   string
		may    func(who, namespace, what string) http.HandlerFunc
		change func(*targetRun)
		want   judge.Result
		says   []string
	}{
		{"tenants are kept apart", atHome, nil, judge.Pass, []string{"api refuses all 12 requests (by authorization)", "api grants all 12"}},
		{"one reads the other's secret", func(who, namespace, what string) http.HandlerFunc {
			if who == "run-b/tenant" && what == "get-secret" {
				return nil
			}
			return atHome(who, namespace, what)
		}, nil, judge.Fail, []string{"grants what it must refuse: b/get-secret"}},
		{"both may exec everywhere", func(who, namespace, what string) http.HandlerFunc {
			if what == "exec" {
				return nil
			}
			return atHome(who, namespace, what)
		}, nil, judge.Fail, []string{"grants what it must refuse: a/exec, b/exec"}},
		{"the account has no rights at home", func(who, namespace, what string) http.HandlerFunc {
			return atHome("nobody", namespace, what)
		}, nil, judge.Invalid, []string{"does not grant", "where it may be (refused by authorization)"}},
		{"what is hidden may have been read", func(who, namespace, what string) http.HandlerFunc {
			if who == "run-a/tenant" && namespace == "run-b" && what == "list-claims" {
				return refusal(http.StatusNotFound, metav1.StatusReasonNotFound, "the namespace is hidden")
			}
			return atHome(who, namespace, what)
		}, nil, judge.Error, []string{"neither grants nor refuses a/list-claims: the namespace is hidden"}},
		{"an error in the middle", func(who, namespace, what string) http.HandlerFunc {
			if namespace == "run-b" && what == "get-log" {
				return refusal(http.StatusInternalServerError, metav1.StatusReasonInternalError, "the kubelet is gone")
			}
			return atHome(who, namespace, what)
		}, nil, judge.Error, []string{"neither grants nor refuses a/get-log: ", "an error on the server"}},
		{"the neighbour does not run", atHome, func(run *targetRun) { run.seats[2].pod = nil }, judge.Error, []string{"does not run"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			handlers, given := reading(t, secret, test.may)
			o := askOne(t, handlers, "tenant-reads", func(run *targetRun) {
				run.r.secret = secret
				if test.change != nil {
					test.change(run)
				}
			})
			expectNoToken(t, o, given)
			expectNoSecret(t, o, secret)
			got := verdict(t, "tenant-api", o)
			for _, text := range test.says {
				if got.Result != test.want || !strings.Contains(got.Reason, text) {
					t.Errorf("%s (%s), want %s that says %q", got.Result, got.Reason, test.want, text)
				}
			}
		})
	}
}

func expectNoSecret(t *testing.T, o evidence.Observation, secret []byte) {
	t.Helper()
	line, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range probes.Tenants() {
		if strings.Contains(string(line), probes.Token(probes.TenantSeed(secret, tenant), probes.DataSecret)) {
			t.Errorf("tenant %s's secret is in evidence", tenant)
		}
	}
}

// A Secret that is read is compared with what was put there.
func TestASecretIsRecognised(t *testing.T) {
	secret := newSecret()
	for wrong, want := range map[bool]string{false: "what=a/get-secret result=granted token=found", true: "what=a/get-secret result=granted token=another"} {
		handlers, _ := reading(t, secret, atHome)
		o := askOne(t, handlers, "tenant-reads", func(run *targetRun) {
			run.r.secret = secret
			if wrong {
				run.r.secret = newSecret()
			}
		})
		shown, _ := o.Values.List("shown")
		if text := strings.Join(shown, "\n"); !strings.Contains(text, want) {
			t.Errorf("shown %q, want %q", shown, want)
		}
	}
}
