//go:build e2e

package e2e

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/katacert/katacert/suites/access"
)

// recorder stands before the API server of the shared cluster and notes which
// permissions the requests with one token take. Requests of tenants' accounts and
// of strangers pass unnoted.
type recorder struct {
	server *httptest.Server
	token  string
	mu     sync.Mutex
	took   []access.Permission
	// secrets are what the run must tell nobody who reads its files, by what it is.
	secrets map[string]string
}

// record puts a recorder before the shared cluster until the test ends.
func record(t *testing.T, token string) *recorder {
	t.Helper()
	to, err := url.Parse(shared.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := rest.TLSConfigFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: shared.config.CAData, CAFile: shared.config.CAFile}})
	if err != nil {
		t.Fatal(err)
	}
	// Without HTTP/2: an exec takes its connection over.
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     &http.Transport{TLSClientConfig: trust},
		FlushInterval: -1, // watches
	}
	r := &recorder{token: token, secrets: map[string]string{}}
	r.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.overhear(request)
		r.note(request)
		proxy.ServeHTTP(w, request)
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *recorder) kubeconfig(t *testing.T) string {
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})
	return kubeconfigOf(t, &clientcmdapi.Cluster{Server: r.server.URL, CertificateAuthorityData: authority}, r.token)
}

func (r *recorder) note(request *http.Request) {
	if request.Header.Get("Authorization") != "Bearer "+r.token {
		return
	}
	took := []access.Permission{taken(request)}
	if user := request.Header.Get("Impersonate-User"); user != "" {
		// The request itself is the other's.
		took = nil
		if account, is := strings.CutPrefix(user, "system:serviceaccount:"); is {
			namespace, name, _ := strings.Cut(account, ":")
			took = append(took, access.Permission{Verb: "impersonate", Resource: "serviceaccounts", Namespace: namespace, Name: name})
		}
		for _, group := range request.Header.Values("Impersonate-Group") {
			took = append(took, access.Permission{Verb: "impersonate", Resource: "groups", Name: group})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range took {
		if !slices.Contains(r.took, p) {
			r.took = append(r.took, p)
		}
	}
}

// taken is the permission that a request takes
// (https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb).
func taken(request *http.Request) access.Permission {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	var p access.Permission
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		p.Group, parts = parts[1], parts[3:]
	default:
		return access.Permission{Verb: strings.ToLower(request.Method), Path: request.URL.Path}
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		p.Namespace, parts = parts[1], parts[2:]
	}
	p.Resource = parts[0]
	if len(parts) > 2 {
		p.Resource += "/" + parts[2]
	}
	named := len(parts) > 1
	switch {
	case request.Method == http.MethodGet && request.URL.Query().Has("watch"):
		p.Verb = "watch"
	case request.Method == http.MethodGet && named:
		p.Verb = "get"
	case request.Method == http.MethodGet:
		p.Verb = "list"
	default:
		p.Verb = map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}[request.Method]
	}
	return p
}

// unused are permissions of the table that a run on this cluster has no cause to
// use.
var unused = map[string]string{
	"create pods/exec":        "an API server that knows websockets is not asked by SPDY",
	"create pods/portforward": "an API server that knows websockets is not asked by SPDY",
	"list pods":               "an API server that streams lists gives them by a watch",
	"list events":             "an API server that streams lists gives them by a watch",
	"create selfsubjectaccessreviews.authorization.k8s.io": "an API server that lists all rules need not be asked for each",
	"create selfsubjectreviews.authentication.k8s.io":      "nothing is missing, so nobody is named",
}

// requireTable holds what was recorded against the table: everything recorded is in
// it, and everything in it was recorded.
func (r *recorder) requireTable(t *testing.T, table []access.Permission) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, took := range r.took {
		if took.Path == "/api/v1" {
			continue // asked to learn who answers; a refusal tells it, too
		}
		if !slices.ContainsFunc(table, func(p access.Permission) bool { return !p.PassedOn && p.Covers(took) }) {
			t.Errorf("the run took %s in namespace %q, which is not in the table", took.What(), took.Namespace)
		}
	}
	for _, p := range table {
		used := slices.ContainsFunc(r.took, p.Covers)
		if _, excused := unused[p.What()]; !used && !p.PassedOn && !excused {
			t.Errorf("%s is in the table, and no request took it", p.What())
		}
	}
	t.Logf("%d different permissions were taken, %d are granted", len(r.took), len(table))
}
