package certification

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/suites/judge"
)

// reviewing answers access reviews as may says, by the name of the right.
func reviewing(t *testing.T, may func(who, what string) authorizationv1.SubjectAccessReviewStatus) (map[string]http.HandlerFunc, *tokens) {
	t.Helper()
	handlers, given := asking(t, accept)
	handlers["POST "+pathReviews] = func(w http.ResponseWriter, r *http.Request) {
		var review authorizationv1.SelfSubjectAccessReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
		}
		review.TypeMeta = metav1.TypeMeta{Kind: "SelfSubjectAccessReview", APIVersion: "authorization.k8s.io/v1"}
		review.Status = may(given.of(r), nameOf(*review.Spec.ResourceAttributes, "run-a"))
		answer(http.StatusCreated, review)(w, r)
	}
	handlers["POST "+pathReviewsOfOthers] = func(w http.ResponseWriter, r *http.Request) {
		var review authorizationv1.SubjectAccessReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
		}
		if who := given.of(r); who != "katacert" || len(review.Spec.Groups) != 1 {
			t.Errorf("%s asks for groups %v", who, review.Spec.Groups)
		}
		review.TypeMeta = metav1.TypeMeta{Kind: "SubjectAccessReview", APIVersion: "authorization.k8s.io/v1"}
		review.Status = may(review.Spec.Groups[0], nameOf(*review.Spec.ResourceAttributes, "run-a"))
		answer(http.StatusCreated, review)(w, r)
	}
	handlers["GET /api/v1/namespaces/run-a/serviceaccounts/default"] = answer(http.StatusOK,
		corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{Kind: "ServiceAccount", APIVersion: "v1"}, AutomountServiceAccountToken: new(false)})
	return handlers, given
}

const pathReviewsOfOthers = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

// mastersOnly allows the masters' group everything and accounts nothing.
func mastersOnly(who, _ string) authorizationv1.SubjectAccessReviewStatus {
	return authorizationv1.SubjectAccessReviewStatus{Allowed: who == "system:masters"}
}

func TestTokenScope(t *testing.T) {
	for _, test := range []struct {
		name string
		may  func(who, what string) authorizationv1.SubjectAccessReviewStatus
		want judge.Result
		says string
	}{
		{"a cluster that is set up well", mastersOnly, judge.Pass, "api refuses all 37 requests"},
		{"the account has a right", func(who, what string) authorizationv1.SubjectAccessReviewStatus {
			return authorizationv1.SubjectAccessReviewStatus{Allowed: who == "system:masters" || what == "get:secrets:kube-system"}
		}, judge.Fail, "grants what it must refuse: get:secrets:kube-system"},
		{"the account has all rights", func(string, string) authorizationv1.SubjectAccessReviewStatus {
			return authorizationv1.SubjectAccessReviewStatus{Allowed: true}
		}, judge.Fail, "and 29 more"},
		{"nobody is granted a right", func(who, what string) authorizationv1.SubjectAccessReviewStatus {
			return authorizationv1.SubjectAccessReviewStatus{Allowed: who == "system:masters" && what != "approve:signers:cluster"}
		}, judge.Invalid, "does not grant approve:signers:cluster where it may be"},
		{"an authorizer does not answer", func(who, what string) authorizationv1.SubjectAccessReviewStatus {
			status := mastersOnly(who, what)
			if !status.Allowed && what == "list:pods:cluster" {
				status.EvaluationError = "the webhook is gone"
			}
			return status
		}, judge.Error, "neither grants nor refuses list:pods:cluster: the webhook is gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			handlers, given := reviewing(t, test.may)
			o := askOne(t, handlers, "rights", nil)
			expectNoToken(t, o, given)
			if got := verdict(t, "token-scope", o); got.Result != test.want || !strings.Contains(got.Reason, test.says) {
				t.Errorf("%s (%s), want %s that says %q", got.Result, got.Reason, test.want, test.says)
			}
			if automount, _ := o.Values.Text("automount"); automount != "pods are not given the token of account default" {
				t.Errorf("of the mount of tokens it says %q", automount)
			}
		})
	}
}

func TestRightsAreAskedOnceInARun(t *testing.T) {
	var reviews atomic.Int64
	handlers, given := reviewing(t, func(who, what string) authorizationv1.SubjectAccessReviewStatus {
		reviews.Add(1)
		return mastersOnly(who, what)
	})
	askOne(t, handlers, "rights", func(run *targetRun) {
		other := &targetRun{r: run.r, target: run.target}
		if first := other.ask(t.Context())(); len(first) != 1 {
			t.Errorf("the first target observed %+v", first)
		}
	})
	if want := int64(2 * len(dangerous("run-a", "run-b"))); reviews.Load() != want || len(given.who) != 1 {
		t.Errorf("two targets made %d reviews with %d tokens, want %d", reviews.Load(), len(given.who), want)
	}
}

func TestDangerousRightsAreNamedApart(t *testing.T) {
	names := map[string]bool{}
	for _, right := range dangerous("run-a", "run-b") {
		name := nameOf(right, "run-a")
		if names[name] || strings.ContainsAny(name, " =") {
			t.Errorf("%q is there twice, or no single word", name)
		}
		names[name] = true
	}
}
