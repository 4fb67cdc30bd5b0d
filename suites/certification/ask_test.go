package certification

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// asked is a request to the API server of the tests.
type asked struct {
	// who is "katacert", an account as "namespace/name", or who is impersonated.
	who, namespace string
	pod            *corev1.Pod
}

// tokens are those that the API server of the tests gave out.
type tokens struct {
	mu  sync.Mutex
	who map[string]string
}

func (k *tokens) give(who string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	token := fmt.Sprintf("token-%d-of-%s", len(k.who), strings.ReplaceAll(who, "/", "-"))
	k.who[token] = who
	return token
}

// of says whose request it is.
func (k *tokens) of(r *http.Request) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if who := r.Header.Get("Impersonate-User"); who != "" {
		return who
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return k.who[token]
	}
	return "katacert"
}

// asking is the API server of the tests: it gives tokens, and lets admit answer
// every dry run of a pod.
func asking(t *testing.T, admit func(asked) http.HandlerFunc) (map[string]http.HandlerFunc, *tokens) {
	t.Helper()
	given := &tokens{who: map[string]string{}}
	dryRun := func(r *http.Request) {
		if r.URL.Query().Get("dryRun") != metav1.DryRunAll {
			t.Errorf("%s %s is no dry run", r.Method, r.URL)
		}
	}
	return map[string]http.HandlerFunc{
		"POST /api/v1/namespaces/{ns}/serviceaccounts/{name}/token": func(w http.ResponseWriter, r *http.Request) {
			request := authenticationv1.TokenRequest{TypeMeta: metav1.TypeMeta{Kind: "TokenRequest", APIVersion: "authentication.k8s.io/v1"}}
			request.Status.Token = given.give(r.PathValue("ns") + "/" + r.PathValue("name"))
			answer(http.StatusCreated, request)(w, r)
		},
		"POST /api/v1/namespaces/{ns}/pods": func(w http.ResponseWriter, r *http.Request) {
			dryRun(r)
			var pod corev1.Pod
			if err := json.NewDecoder(r.Body).Decode(&pod); err != nil {
				t.Error(err)
			}
			admit(asked{given.of(r), r.PathValue("ns"), &pod})(w, r)
		},
		"PATCH /api/v1/namespaces/{ns}/pods/{name}/ephemeralcontainers": func(w http.ResponseWriter, r *http.Request) {
			dryRun(r)
			pod := running(evidence.Subject, r.PathValue("ns"))
			if err := json.NewDecoder(r.Body).Decode(pod); err != nil {
				t.Error(err)
			}
			pod.Name = r.PathValue("name")
			admit(asked{given.of(r), r.PathValue("ns"), pod})(w, r)
		},
	}, given
}

// running is the pod of a vantage as the API server has it.
func running(v evidence.Vantage, namespace string) *corev1.Pod {
	pod := pods.Subject(pods.Options{Run: "run-1", Namespace: namespace, Name: string(v), RuntimeClass: "gvisor", Image: "probe"})
	pod.UID = types.UID("uid-" + v)
	return pod
}

// askOne lets a target ask one question and returns what came of it.
func askOne(t *testing.T, handlers map[string]http.HandlerFunc, question string, change func(*targetRun)) evidence.Observation {
	t.Helper()
	o := optionsFor(t, apiServer(t, handlers).URL)
	o.Cluster.Config.QPS = -1 // no throttling
	o.Timeouts.Request = 5 * time.Second
	r := &runner{o: o, secret: newSecret()}
	config := counting(o.Cluster.Config, &r.requests)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	r.client, r.exec = client, executor{config: config, client: client}
	r.namespaces.node, r.namespaces.tenantA, r.namespaces.tenantB = "run-node", "run-a", "run-b"
	target := Target{ID: "node-1/gvisor", Node: *node("node-1"), Class: *class("gvisor", "runsc")}
	r.plan = Plan{Targets: []Target{target}, Reference: "runc", Controls: []catalogue.Control{{Asks: []string{question}}}}
	run := &targetRun{r: r, target: target, seats: []*seat{
		{vantage: evidence.Witness}, {vantage: evidence.Subject, pod: running(evidence.Subject, "run-a")},
		{vantage: evidence.Neighbour, pod: running(evidence.Neighbour, "run-b")}, {vantage: evidence.Reference, pod: running(evidence.Reference, "run-node")},
	}}
	if change != nil {
		change(run)
	}
	observations := run.ask(t.Context())()
	if len(observations) != 1 || observations[0].Probe != question {
		t.Fatalf("observed %+v", observations)
	}
	if r.requests.Load() == 0 && observations[0].State == evidence.Seen {
		t.Error("the requests were not counted")
	}
	return observations[0]
}

// verdict judges a control by one answer of the API server.
func verdict(t *testing.T, id string, o evidence.Observation) judge.Verdict {
	t.Helper()
	control, err := catalogue.Find(Catalogue(), id)
	if err != nil {
		t.Fatal(err)
	}
	return control.Judge(judge.Gather([]evidence.Record{{Vantage: evidence.API, Round: evidence.Look, Observations: []evidence.Observation{o}}}))
}

// expectNoToken makes sure that no token, nor a secret, is in evidence.
func expectNoToken(t *testing.T, o evidence.Observation, given *tokens) {
	t.Helper()
	line, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(given.who) == 0 {
		t.Error("no token was given out")
	}
	for token := range given.who {
		if strings.Contains(string(line), token) {
			t.Errorf("the token %s is in evidence: %s", token, line)
		}
	}
}

// Every question that a control asks exists, and none is asked for nothing.
func TestQuestions(t *testing.T) {
	wanted := map[string]bool{}
	for _, c := range Catalogue() {
		for _, question := range c.Asks {
			wanted[question] = true
			if questions[question] == nil {
				t.Errorf("control %s asks %q, which nobody can", c.ID, question)
			}
		}
		if c.In(catalogue.Quick) && len(c.Asks) > 0 {
			t.Errorf("control %s makes profile quick slower", c.ID)
		}
	}
	for question := range questions {
		if !wanted[question] {
			t.Errorf("no control asks %q", question)
		}
	}
}

func TestNothingIsAskedForNothing(t *testing.T) {
	run := &targetRun{r: &runner{}, seats: []*seat{{vantage: evidence.Witness}}}
	if got := run.ask(t.Context())(); len(got) > 0 {
		t.Errorf("asked %+v", got)
	}
}
