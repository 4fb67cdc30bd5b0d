package certification

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"

	"github.com/katacert/katacert/probes/evidence"
)

const podList = `{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"secret-job"}}]}`

func body(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// overTLS is the address of a kubelet, which no stranger may know by a certificate
// or a token.
func overTLS(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 || r.Header.Get("Authorization") != "" {
			t.Errorf("the stranger sent credentials: %v", r.Header)
		}
		handler(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// forwarding is the API server's end of port-forwards, by SPDY alone, that lead to
// the address.
func forwarding(t *testing.T, address string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardProtocolV1Name}); err != nil {
			return // a websocket; the reply is written
		}
		problems := make(chan httpstream.Stream, 1)
		connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, replied <-chan struct{}) error {
			if got := stream.Headers().Get(corev1.PortHeader); got != "10250" {
				t.Errorf("a forward to port %q was asked for", got)
			}
			if stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
				problems <- stream
				return nil
			}
			go func() {
				<-replied
				join(stream, <-problems, address)
			}()
			return nil
		})
		if connection == nil {
			return // no upgrade; the reply is written
		}
		defer func() { _ = connection.Close() }()
		select {
		case <-connection.CloseChan():
		case <-t.Context().Done():
		}
	}
}

// join carries one forwarded connection, as a node does.
func join(data, problems httpstream.Stream, address string) {
	defer func() { _ = problems.Close(); _ = data.Close() }()
	kubelet, err := net.Dial("tcp", address)
	if err != nil {
		_, _ = io.WriteString(problems, "failed to connect to localhost:10250 inside namespace: "+err.Error())
		return
	}
	defer func() { _ = kubelet.Close() }()
	go func() { _, _ = io.Copy(kubelet, data) }()
	_, _ = io.Copy(data, kubelet)
}

func TestKubeletAsStrangersFindIt(t *testing.T) {
	nowhere := strings.TrimPrefix(closed(t), "http://")
	tells, refuses := body(http.StatusOK, podList), body(http.StatusUnauthorized, "Unauthorized")
	for name, test := range map[string]struct {
		forward, proxy http.HandlerFunc
		asked, shown   string
		says           string
	}{
		"shut":             {forwarding(t, overTLS(t, refuses)), tells, "refused status=401 by=authentication", "granted status=200", "status 401: Unauthorized"},
		"of no rights":     {forwarding(t, overTLS(t, body(http.StatusForbidden, "Forbidden"))), tells, "refused status=403 by=authorization", "granted status=200", "status 403: Forbidden"},
		"open":             {forwarding(t, overTLS(t, tells)), tells, "granted status=200", "granted status=200", ""},
		"something else":   {forwarding(t, overTLS(t, body(http.StatusOK, "<html>"))), tells, "error status=200", "granted status=200", "no list of pods"},
		"sent elsewhere":   {forwarding(t, overTLS(t, http.RedirectHandler("/", http.StatusFound).ServeHTTP)), tells, "error status=302", "granted status=200", "status 302"},
		"nothing there":    {forwarding(t, nowhere), tells, "error", "granted status=200", "connection refused"},
		"forward refused":  {refusal(http.StatusForbidden, metav1.StatusReasonForbidden, "port-forwards are forbidden"), tells, "error", "granted status=200", "port-forward to pod run-node/witness"},
		"proxy of no help": {forwarding(t, overTLS(t, refuses)), refusal(http.StatusForbidden, metav1.StatusReasonForbidden, "no proxy"), "refused status=401 by=authentication", "error", "no proxy"},
	} {
		t.Run(name, func(t *testing.T) {
			o := askOne(t, kubeletHandlers(test.forward, test.proxy), "kubelet-anonymous", withWitness)
			for list, want := range map[string]string{"asked": test.asked, "shown": test.shown} {
				lines, _ := o.Values.List(list)
				if len(lines) != len(kubeletPaths) {
					t.Fatalf("%s: %q", list, lines)
				}
				for _, line := range lines {
					if _, got, _ := strings.Cut(line, "result="); got != want {
						t.Errorf("%s: %q, want result %q", list, line, want)
					}
				}
			}
			if said, _ := o.Values.List("said"); !strings.Contains(strings.Join(said, "\n"), test.says) {
				t.Errorf("said %q, want %q", said, test.says)
			}
			if strings.Contains(o.Values["said"].String(), "secret-job") {
				t.Errorf("what the kubelet tells became evidence: %v", o.Values)
			}
		})
	}
}

func kubeletHandlers(forward, proxy http.HandlerFunc) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/api/v1/namespaces/run-node/pods/witness/portforward": forward,
		"GET /api/v1/nodes/node-1/proxy/pods":                  proxy,
		"GET /api/v1/nodes/node-1/proxy/runningpods/":          proxy,
	}
}

func withWitness(run *targetRun) {
	run.seats[0].pod = running(evidence.Witness, "run-node")
	run.r.o.Timeouts.Request = 2 * time.Second
}

// A kubelet that takes the connection and says nothing ends with its time.
func TestKubeletThatSaysNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	o := askOne(t, kubeletHandlers(forwarding(t, listener.Addr().String()), body(http.StatusOK, podList)), "kubelet-anonymous", func(run *targetRun) {
		withWitness(run)
		run.r.o.Timeouts.Request = 300 * time.Millisecond
	})
	if lines, _ := o.Values.List("asked"); len(lines) != 2 || !strings.HasSuffix(lines[0], "result=error") {
		t.Errorf("asked %q, said %v", lines, o.Values["said"])
	}
}

func TestKubeletNeedsTheWitness(t *testing.T) {
	o := askOne(t, nil, "kubelet-anonymous", nil)
	if o.State != evidence.Failed || !strings.Contains(o.Detail, "the witness") {
		t.Errorf("%+v", o)
	}
}
