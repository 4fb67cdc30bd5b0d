package certification

import (
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/suites/judge"
)

func TestAnonymousRequests(t *testing.T) {
	secret := newSecret()
	unauthorized := refusal(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized")
	for _, test := range []struct {
		name string
		// nobody answers the anonymous request, own those with credentials; nil grants.
		nobody, own func(what string) http.HandlerFunc
		want        judge.Result
		says        []string
	}{
		{"forbidden to the anonymous user", func(what string) http.HandlerFunc {
			return deny(`x is forbidden: User "system:anonymous" cannot ` + what)
		}, nil, judge.Pass, []string{"refuses all 3 requests (by authorization)", "grants all 3"}},
		{"anonymous requests are off", func(string) http.HandlerFunc { return unauthorized }, nil, judge.Pass, []string{"(by authentication)"}},
		{"the anonymous user reads the secret", func(what string) http.HandlerFunc {
			if what == "get-secret" {
				return nil
			}
			return unauthorized
		}, nil, judge.Fail, []string{"grants what it must refuse: get-secret"}},
		{"everybody may do everything", func(string) http.HandlerFunc { return nil }, nil, judge.Fail, []string{"list-namespaces"}},
		{"katacert itself may not list namespaces", func(string) http.HandlerFunc { return unauthorized }, func(what string) http.HandlerFunc {
			if what == "list-namespaces" {
				return deny("x is forbidden")
			}
			return nil
		}, judge.Invalid, []string{"does not grant list-namespaces where it may be"}},
		{"an error is no refusal", func(what string) http.HandlerFunc {
			if what == "list-pods" {
				return refusal(http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcd is gone")
			}
			return unauthorized
		}, nil, judge.Error, []string{"neither grants nor refuses list-pods"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			handlers, given := reading(t, secret, atHome)
			handlers["GET /api/v1/namespaces"] = answer(http.StatusOK, metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{Kind: "List", APIVersion: "v1"}})
			for path, what := range map[string]string{"GET /api/v1/namespaces": "list-namespaces",
				"GET /api/v1/namespaces/{ns}/pods": "list-pods", "GET /api/v1/namespaces/{ns}/secrets/{name}": "get-secret"} {
				whole := handlers[path]
				handlers[path] = func(w http.ResponseWriter, r *http.Request) {
					say := test.own
					if r.Header.Get("Authorization") == "" {
						say = test.nobody
						r.Header.Set("Authorization", "Bearer "+given.give("run-b/tenant")) // for whom the rest of the server grants
					}
					if say != nil {
						if refuse := say(what); refuse != nil {
							refuse(w, r)
							return
						}
					}
					whole(w, r)
				}
			}
			o := askOne(t, handlers, "anonymous", func(run *targetRun) {
				run.r.secret = secret
				config := rest.CopyConfig(run.r.exec.config)
				config.BearerToken = "katacert's own"
				client, err := kubernetes.NewForConfig(config)
				if err != nil {
					t.Fatal(err)
				}
				run.r.client, run.r.exec.config = client, config
			})
			expectNoToken(t, o, given)
			expectNoSecret(t, o, secret)
			got := verdict(t, "api-anonymous", o)
			for _, text := range test.says {
				if got.Result != test.want || !strings.Contains(got.Reason, text) {
					t.Errorf("%s (%s), want %s that says %q", got.Result, got.Reason, test.want, text)
				}
			}
		})
	}
}
