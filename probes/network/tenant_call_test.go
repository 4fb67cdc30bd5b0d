package network

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/listener"
)

// A tenant calls the other's listener and its own, and tells who called it.
func TestTenantsCallEachOther(t *testing.T) {
	seed := probes.TenantSeed([]byte("secret"), "b")
	token := probes.Token(seed, probes.DataListener)
	record := &listener.Record{}
	l, err := listener.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", probes.TenantPort), listener.Options{Banner: token, Key: []byte(probes.Token(seed, probes.ListenerKey))}, record)
	if errors.Is(err, unix.EADDRINUSE) {
		t.Skipf("port %d is taken on this machine", probes.TenantPort)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx := &probes.Context{Vantage: evidence.Subject, Round: evidence.LookAgain, Nonce: "n1", Tenant: "a",
		Params: map[string]string{probes.ParamPeerIP: "127.0.0.1"},
		Seek:   map[string]string{probes.TenantToken(probes.DataListener, "b"): probes.TokenHash(token)}}
	o := tenantCall(ctx)
	tried, _ := o.Values.List("tried")
	found, _ := o.Values.List("found")
	if strings.Join(tried, "|") != "own: done|peer: done" || strings.Join(found, "|") != "listener-b" {
		t.Errorf("tried %q, found %q", tried, found)
	}
	owner := &probes.Context{Vantage: evidence.Neighbour, Round: evidence.Settle, Tenant: "b", TenantSeed: seed}
	if touched, _ := listenerLog(owner).Values.List("touched"); strings.Join(touched, "|") != "listener n1" {
		t.Errorf("touched %q", touched)
	}
	stranger := *owner
	stranger.TenantSeed = []byte("another")
	if o := listenerLog(&stranger); o.State != evidence.Failed {
		t.Errorf("without the tenant's secret: %+v", o)
	}
}

func TestTenantsWithoutAPeer(t *testing.T) {
	if o := tenantCall(&probes.Context{}); o.State != evidence.Absent || !strings.Contains(o.Detail, "was not told") {
		t.Errorf("%+v", o)
	}
	if o := listenerLog(&probes.Context{}); o.State != evidence.Absent {
		t.Errorf("%+v", o)
	}
}
