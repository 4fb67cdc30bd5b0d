package network

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

func TestKubeletStandIn(t *testing.T) {
	for want, handler := range map[string]http.HandlerFunc{
		"open":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"kind":"PodList"}`)) },
		"status 200": func(http.ResponseWriter, *http.Request) {},
		"status 401": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"status 403": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	} {
		server := httptest.NewServer(handler)
		address := netip.MustParseAddrPort(server.Listener.Addr().String())
		o := kubelet(&probes.Context{Params: map[string]string{
			probes.ParamNodeIP: address.Addr().String(), probes.ParamOpenKubelet: evidence.Number(int64(address.Port())).String()}})
		server.Close()
		if got, _ := o.Values.Text("stand_in"); got != want {
			t.Errorf("the stand-in answered %q, want %q", got, want)
		}
		if answers, _ := o.Values.List("answers"); len(answers) != 2 {
			t.Errorf("the ports of the kubelet answered %q", answers)
		}
	}
}

// A server of TLS is reached, whatever it makes of a request in plain HTTP, and one
// that is not there is not.
func TestKubeletIsReached(t *testing.T) {
	const within = time.Second
	overTLS := httptest.NewTLSServer(http.NotFoundHandler())
	overTLS.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer overTLS.Close()
	hangsUp := serve(t, "")
	alerts := serve(t, "\x15\x03\x01\x00\x02\x02\x16")
	for _, test := range []struct {
		address, said string
		reached       bool
	}{
		{overTLS.Listener.Addr().String(), "status 400", true},
		{hangsUp, "connected, then failed", true},
		{alerts, "connected, then failed", true},
		{"127.0.0.1:1", "ECONNREFUSED", false},
	} {
		a, err := ask(request{address: test.address, method: "GET", path: "/pods"}, within)
		if got := answered(a, err); got != test.said || a.connected != test.reached {
			t.Errorf("%s: %q, reached %v (%v); want %q", test.address, got, a.connected, err, test.said)
		}
	}
}

func TestKubeletUntold(t *testing.T) {
	for _, params := range []map[string]string{nil, {probes.ParamNodeIP: "127.0.0.1"}, {probes.ParamOpenKubelet: "1"}} {
		if o := kubelet(&probes.Context{Params: params}); o.State != evidence.Absent || !strings.Contains(o.Detail, "was not told") {
			t.Errorf("%v: %+v", params, o)
		}
	}
}
