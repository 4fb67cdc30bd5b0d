package network

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/listener"
)

// loopback calls the listener on the node's 127.0.0.1 in every way that a
// container has: at the container's own loopback address, at the node's address
// and at the gateway's, by TCP and UDP, and with a frame of its own making that
// carries the loopback address over the link to the node (CVE-2020-8558). Every
// call is signed; whether one came through is for the listener's record to say.
func loopback(ctx *probes.Context) evidence.Observation {
	port, err := strconv.ParseUint(ctx.Params[probes.ParamLoopback], 10, 16)
	if err != nil || port == 0 {
		return untold("on which port the node's loopback listener waits")
	}
	var (
		calls   sync.WaitGroup
		mu      sync.Mutex
		tried   []string
		outcome = func(way string, err error) {
			mu.Lock()
			defer mu.Unlock()
			tried = append(tried, way+": "+became(err))
		}
	)
	here := ways(ctx.Params[probes.ParamNodeIP])
	for name, address := range here.addresses {
		target := netip.AddrPortFrom(address, uint16(port)).String()
		calls.Go(func() {
			_, err := listener.Touch(target, ctx.Nonce, limit(ctx))
			outcome("tcp "+name, err)
		})
		calls.Go(func() { outcome("udp "+name, sendDatagram(target, ctx.Nonce)) })
	}
	if here.hop != nil {
		calls.Go(func() {
			outcome("frame", sendLoopbackFrame(*here.hop, uint16(port), listener.Datagram(ctx.Nonce), limit(ctx)))
		})
	}
	calls.Wait()
	return probes.Seen(evidence.Values{"tried": evidence.List(tried...)})
}

// reach are the ways from here to the node.
type reach struct {
	addresses map[string]netip.Addr
	// hop is the gateway that may be sent frames; nil where there is none, and on
	// the node itself, whose gateway is no part of the node.
	hop *gateway
}

func ways(nodeIP string) reach {
	r := reach{addresses: map[string]netip.Addr{"loopback": netip.AddrFrom4([4]byte{127, 0, 0, 1})}}
	node, err := netip.ParseAddr(nodeIP)
	if err == nil {
		r.addresses["node"] = node
		if isLocal(node) {
			return r
		}
	}
	if hop, ok := defaultGateway(); ok {
		r.hop, r.addresses["gateway"] = &hop, hop.address
	}
	return r
}

// isLocal says whether the address is one of this network namespace.
func isLocal(address netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr() == address {
			return true
		}
	}
	return false
}

func sendDatagram(target, nonce string) error {
	connection, err := net.Dial("udp", target)
	if err != nil {
		return fmt.Errorf("open a socket for datagrams: %w", err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := connection.Write(listener.Datagram(nonce)); err != nil {
		return fmt.Errorf("send a datagram: %w", err)
	}
	return nil
}
