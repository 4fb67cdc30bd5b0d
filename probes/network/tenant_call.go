package network

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/listener"
)

// tenantCall calls the listener of the other tenant's pod, and the one of its own
// pod, which must hear it: a listener that hears nobody proves nothing.
func tenantCall(ctx *probes.Context) evidence.Observation {
	peer, err := netip.ParseAddr(ctx.Params[probes.ParamPeerIP])
	if err != nil {
		return untold("the address of the other tenant's pod")
	}
	var (
		calls        sync.WaitGroup
		toPeer, own  error
		found        []string
		within       = limit(ctx)
		ownListener  = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), probes.TenantPort).String()
		peerListener = netip.AddrPortFrom(peer, probes.TenantPort).String()
	)
	calls.Go(func() {
		var banner string
		banner, toPeer = listener.Touch(peerListener, ctx.Nonce, within)
		for _, tenant := range probes.Tenants() {
			if token := probes.TenantToken(probes.DataListener, tenant); ctx.Find(token, banner) {
				found = append(found, token)
			}
		}
	})
	calls.Go(func() { _, own = listener.Touch(ownListener, ctx.Nonce, within) })
	calls.Wait()
	return probes.Seen(evidence.Values{
		"tried": evidence.List("peer: "+became(toPeer), "own: "+became(own)),
		"found": evidence.List(found...),
	})
}

// listenerLog asks the pod's own listener who called it.
func listenerLog(ctx *probes.Context) evidence.Observation {
	if ctx.Tenant == "" {
		return probes.Absent("the pod stands for no tenant")
	}
	key := []byte(probes.Token(ctx.TenantSeed, probes.ListenerKey))
	address := fmt.Sprintf("127.0.0.1:%d", probes.TenantPort)
	nonces, err := listener.Ask("tcp", address, key, limit(ctx))
	if err != nil {
		return probes.Unreadable(err)
	}
	lines := make([]string, len(nonces))
	for i, nonce := range nonces {
		lines[i] = "listener " + nonce
	}
	return probes.Seen(evidence.Values{"touched": evidence.List(lines...)})
}
