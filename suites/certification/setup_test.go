package certification

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// apiServer answers the requests of a preparation as the handlers say, by path.
func apiServer(t *testing.T, handlers map[string]http.HandlerFunc) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for path, handler := range handlers {
		mux.HandleFunc(path, handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func answer(code int, object any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(object)
	}
}

// refusal is the API server's answer to a request that it refuses.
func refusal(code int, reason metav1.StatusReason, message string) http.HandlerFunc {
	return answer(code, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message})
}

const (
	pathVersion = "/version"
	pathReviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
	pathClasses = "/apis/node.k8s.io/v1/runtimeclasses"
	pathNodes   = "/api/v1/nodes"
)

// allowing answers access reviews: everything but what is named is allowed.
func allowing(but string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var review authorizationv1.SelfSubjectAccessReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		asked := review.Spec.ResourceAttributes
		if asked == nil {
			asked = &authorizationv1.ResourceAttributes{Verb: review.Spec.NonResourceAttributes.Verb, Resource: review.Spec.NonResourceAttributes.Path}
		}
		what := asked.Verb + " " + asked.Resource
		if asked.Subresource != "" {
			what += "/" + asked.Subresource
		}
		review.TypeMeta = metav1.TypeMeta{Kind: "SelfSubjectAccessReview", APIVersion: "authorization.k8s.io/v1"}
		review.Status.Allowed = what != but
		answer(http.StatusCreated, review)(w, r)
	}
}

// list answers with a list of objects.
func list(kind, apiVersion string, items ...runtime.Object) http.HandlerFunc {
	return answer(http.StatusOK, map[string]any{"kind": kind, "apiVersion": apiVersion, "metadata": map[string]any{}, "items": items})
}

// cluster is a server that lets a preparation succeed.
func cluster() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		pathVersion: answer(http.StatusOK, version.Info{Major: "1", Minor: "37", GitVersion: "v1.37.2"}),
		pathReviews: allowing(""),
		pathClasses: list("RuntimeClassList", "node.k8s.io/v1", class("gvisor", "runsc"), class("runc", "runc")),
		pathNodes:   list("NodeList", "v1", node("node-1")),
	}
}

func optionsFor(t *testing.T, host string) Options {
	t.Helper()
	return Options{
		Cluster: Cluster{Provider: "existing", Name: "prod", Config: &rest.Config{Host: host, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}},
		Choice:  catalogue.Choice{Profile: catalogue.Quick}, Require: catalogue.Isolation,
		Images: Images{Probe: "registry.example/probe@" + imageDigest}, Out: t.TempDir(), RunID: "run-1",
		Timeouts: DefaultTimeouts(1), Progress: &notes{}, Version: "v0",
	}
}

func TestPrepare(t *testing.T) {
	server := apiServer(t, cluster())
	o := optionsFor(t, server.URL)
	runner, report, err := Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := targets(runner.Plan()); len(got) != 1 || got[0] != "node-1/gvisor" {
		t.Errorf("targets %v", got)
	}
	if report.Cluster.Kubernetes != "v1.37.2" || report.Cluster.Name != "prod" || len(report.Targets) != 1 || len(report.Controls) == 0 {
		t.Errorf("report %+v", report)
	}
	if len(report.Images) != 1 || report.Images[0].Digest != imageDigest {
		t.Errorf("images %+v", report.Images)
	}
	if runner.Dir() != filepath.Join(o.Out, "run-1") {
		t.Errorf("the run's folder is %s", runner.Dir())
	}
	if _, err := os.Stat(filepath.Join(runner.Dir(), EvidenceFile)); err != nil {
		t.Error(err)
	}
}

// closed is the address of a server that does not exist any more.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nothing was written
	return "http://" + listener.Addr().String()
}

func TestPrepareSaysWhyTheClusterIsOfNoUse(t *testing.T) {
	unauthorised := refusal(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized")
	forbidden := refusal(http.StatusForbidden, metav1.StatusReasonForbidden, "forbidden: User \"dev\" cannot")
	with := func(path string, handler http.HandlerFunc) func(t *testing.T) string {
		return func(t *testing.T) string {
			handlers := cluster()
			handlers[path] = handler
			return apiServer(t, handlers).URL
		}
	}
	for _, test := range []struct {
		name string
		host func(t *testing.T) string
		says []string
	}{
		{"nobody answers", closed, []string{"cluster prod does not answer at http://127.0.0.1", "--kubeconfig and --context", "connection refused"}},
		{"a certificate of another", func(t *testing.T) string {
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			t.Cleanup(server.Close)
			return server.URL
		}, []string{"cluster prod does not answer", "certificate"}},
		{"something else answers", func(t *testing.T) string { return apiServer(t, nil).URL }, []string{"cluster prod does not answer"}},
		{"bad credentials", with(pathVersion, unauthorised), []string{"refuses the credentials of the kubeconfig", "renew them", "--context"}},
		{"bad credentials, and the version is public", with(pathReviews, unauthorised), []string{"refuses the credentials"}},
		{"too few rights", with(pathReviews, forbidden), []string{"too few rights", "katacert rbac"}},
		{"may not make namespaces", with(pathReviews, allowing("create namespaces")), []string{"may not, in cluster prod: create namespaces (to make the run's three namespaces", "katacert rbac | kubectl apply -f -"}},
		{"may not exec", with(pathReviews, allowing("create pods/exec")), []string{"in cluster prod: create pods/exec (to let the probes look"}},
		{"may not list nodes", with(pathReviews, allowing("list nodes")), []string{"in cluster prod: list nodes (to plan"}},
		{"may not list RuntimeClasses", with(pathClasses, forbidden), []string{"list the RuntimeClasses of the cluster", "forbidden"}},
		{"a server in trouble", with(pathVersion, refusal(http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcd is gone")), []string{"does not answer", "an error on the server"}},
		{"no node is ready", with(pathNodes, list("NodeList", "v1", node("node-1", notReady))), []string{"nothing to certify", "node node-1: it is not Ready"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := optionsFor(t, test.host(t))
			runner, report, err := Prepare(t.Context(), o)
			expectError(t, err, test.says...)
			if runner != nil || errors.Is(err, ErrUsage) {
				t.Errorf("a runner %v, a usage error %t", runner, errors.Is(err, ErrUsage))
			}
			expectNothingProven(t, report, err)
		})
	}
}

// expectNothingProven checks the report of a run that could not begin: every
// chosen control is there, as an error that says why.
func expectNothingProven(t *testing.T, report *reports.Report, cause error) {
	t.Helper()
	if report == nil {
		t.Fatal("no report")
	}
	chosen, err := catalogue.Select(Catalogue(), catalogue.Choice{Profile: report.Run.Profile})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]reports.Verdict{}
	for _, v := range report.Verdicts {
		verdicts[v.Control] = v
	}
	for _, c := range chosen {
		if v := verdicts[c.ID]; v.Result != judge.Error || !strings.Contains(v.Reason, cause.Error()) {
			t.Errorf("control %s: %s (%s)", c.ID, v.Result, v.Reason)
		}
	}
	if len(report.Verdicts) != len(chosen) || report.Outcome != reports.Partial || report.Run.SetupError != cause.Error() {
		t.Errorf("%d verdicts for %d controls, outcome %s, set-up error %q", len(report.Verdicts), len(chosen), report.Outcome, report.Run.SetupError)
	}
	if report.Run.Finished.Before(report.Run.Started) {
		t.Errorf("started %v, finished %v", report.Run.Started, report.Run.Finished)
	}
}

func TestPrepareOfWhatDoesNotExistBeginsNothing(t *testing.T) {
	server := apiServer(t, cluster())
	for name, change := range map[string]func(*Options){
		"class":   func(o *Options) { o.RuntimeClasses = []string{"kata"} },
		"node":    func(o *Options) { o.Nodes = []string{"node-9"} },
		"profile": func(o *Options) { o.Choice.Profile = "fast" },
		"control": func(o *Options) { o.Choice.Controls = "^none$" },
	} {
		o := optionsFor(t, server.URL)
		change(&o)
		runner, report, err := Prepare(t.Context(), o)
		if !errors.Is(err, ErrUsage) || runner != nil || report != nil {
			t.Errorf("unknown %s: %v, a runner %t, a report %t", name, err, runner != nil, report != nil)
		}
		if left, err := os.ReadDir(o.Out); err != nil || len(left) > 0 {
			t.Errorf("unknown %s: left %v, %v", name, left, err)
		}
	}
}

func TestAbort(t *testing.T) {
	o := optionsFor(t, "")
	cause := errors.New("the images could not be built")
	report, err := Abort(o, cause)
	if err != nil {
		t.Fatal(err)
	}
	expectNothingProven(t, report, cause)
	o.Choice.Profile = "fast"
	if report, err := Abort(o, cause); !errors.Is(err, ErrUsage) || report != nil {
		t.Errorf("an unknown profile: %v, a report %t", err, report != nil)
	}
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	o := optionsFor(t, "")
	file := filepath.Join(o.Out, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.Out = file
	report, err := Abort(o, errors.New("x"))
	expectError(t, err, "make the run's folder", file, "--out")
	if report != nil {
		t.Errorf("report %+v", report)
	}
}

func record(target string, n int64) evidence.Record {
	return evidence.Record{Schema: evidence.RecordSchema, Target: target, Vantage: evidence.Subject, Round: evidence.Look, CPUMicros: n}
}

func TestEvidenceIsOnDiskAsItArrives(t *testing.T) {
	dir := t.TempDir()
	file, err := openEvidence(dir)
	if err != nil {
		t.Fatal(err)
	}
	read := func() (records []evidence.Record) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, EvidenceFile))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			strict := json.NewDecoder(strings.NewReader(line))
			strict.DisallowUnknownFields()
			var r evidence.Record
			if err := strict.Decode(&r); err != nil || !strings.HasSuffix(line, "\n") {
				t.Fatalf("line %q: %v", line, err)
			}
			records = append(records, r)
		}
		return records
	}
	for i := range int64(3) {
		file.add(record("t", i))
		if got := read(); int64(len(got)) != i+1 || got[i].CPUMicros != i {
			t.Fatalf("after record %d the file holds %+v", i, got)
		}
	}
	file.add(record("u", 9))
	if got := file.of("t"); len(got) != 3 {
		t.Errorf("target t has %d records", len(got))
	}
	if err := errors.Join(file.err(), file.close()); err != nil {
		t.Error(err)
	}
	// Another run never shortens what is there.
	again, err := openEvidence(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.add(record("v", 1))
	if got := read(); len(got) != 5 {
		t.Errorf("the file holds %d records after it was opened again", len(got))
	}
	if err := again.close(); err != nil {
		t.Error(err)
	}
}

// A full disk is told, and what cannot be written is still judged.
func TestEvidenceOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, EvidenceFile)); err != nil {
		t.Fatal(err)
	}
	file, err := openEvidence(dir)
	if err != nil {
		t.Fatal(err)
	}
	file.add(record("t", 1))
	file.add(record("t", 2))
	err = file.err()
	if err == nil || !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), "free space there and run again") {
		t.Errorf("a full disk: %v", err)
	}
	if got := file.of("t"); len(got) != 2 {
		t.Errorf("%d records are kept for judging", len(got))
	}
	_ = file.close()
}
