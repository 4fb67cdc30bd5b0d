package network

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

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
		server := httptest.NewTLSServer(handler)
		address := netip.MustParseAddrPort(server.Listener.Addr().String())
		o := kubelet(&probes.Context{Params: map[string]string{
			probes.ParamNodeIP: address.Addr().String(), probes.ParamOpenKubelet: evidence.Number(int64(address.Port())).String()}})
		server.Close()
		if got, _ := o.Values.Text("stand_in"); got != want {
			t.Errorf("the stand-in answered %q, want %q", got, want)
		}
		if answers, _ := o.Values.List("answers"); len(answers) != 3 {
			t.Errorf("the ports of the kubelet answered %q", answers)
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
