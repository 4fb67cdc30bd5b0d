package network

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/listener"
)

// The packet of our own making is one that a kernel delivers to its 127.0.0.1 if
// route_localnet is set, and drops if not: CVE-2020-8558 in a network namespace
// of the test's own.
func TestPacketForLoopback(t *testing.T) {
	for _, test := range []struct {
		routeLocalnet string
		arrives       bool
	}{{"1", true}, {"0", false}} {
		got := make(chan outcome)
		go func() { got <- deliver(test.routeLocalnet) }()
		switch o := <-got; {
		case errors.Is(o.err, unix.EPERM):
			t.Skip("network namespaces need the capability SYS_ADMIN")
		case o.err != nil:
			t.Fatal(o.err)
		case o.arrived != test.arrives:
			t.Errorf("with route_localnet=%s a packet for 127.0.0.1 arrives: %v, want %v", test.routeLocalnet, o.arrived, test.arrives)
		}
	}
}

type outcome struct {
	arrived bool
	err     error
}

// deliver puts a packet for 127.0.0.1 from elsewhere onto the loopback interface
// of a new network namespace, and after it one for another local address, which
// always arrives: when that one is there, the first has been there or never
// will be. The thread that works in the namespace ends with the goroutine, and
// the namespace with it.
func deliver(routeLocalnet string) outcome {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return outcome{err: err}
	}
	for file, value := range map[string]string{"conf/lo/route_localnet": routeLocalnet, "conf/all/rp_filter": "0", "conf/lo/rp_filter": "0"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+file, []byte(value), 0); err != nil {
			return outcome{err: err}
		}
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = unix.Close(socket) }()
	local := netip.MustParseAddr("198.51.100.1")
	index, err := setUpLoopback(local)
	if err != nil {
		return outcome{err: err}
	}
	record := &listener.Record{}
	l, err := listener.ListenPackets("0.0.0.0:0", record)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = l.Close() }()
	port := netip.MustParseAddrPort(l.Address()).Port()
	to := unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IP), Ifindex: index, Halen: 6}
	for _, p := range []struct {
		nonce string
		to    netip.Addr
	}{{"to-loopback", netip.MustParseAddr("127.0.0.1")}, {"to-local", local}} {
		packet := udpPacket(netip.MustParseAddr("192.0.2.9"), p.to, port, listener.Datagram(p.nonce))
		if err := unix.Sendto(socket, packet, 0, &to); err != nil {
			return outcome{err: err}
		}
	}
	arrived := map[string]bool{}
	for deadline := time.Now().Add(within); time.Now().Before(deadline) && !arrived["to-local"]; <-time.After(5 * time.Millisecond) {
		for _, nonce := range record.Nonces() {
			arrived[nonce] = true
		}
	}
	if !arrived["to-local"] {
		return outcome{err: errors.New("not even a packet for an ordinary address arrives")}
	}
	return outcome{arrived: arrived["to-loopback"]}
}

// setUpLoopback brings the loopback interface up with one more address and
// returns its index.
func setUpLoopback(address netip.Addr) (int, error) {
	alias, err := unix.NewIfreq("lo:1")
	if err != nil {
		return 0, err
	}
	if err := alias.SetInet4Addr(address.AsSlice()); err != nil {
		return 0, err
	}
	inet, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(inet) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return 0, err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := errors.Join(unix.IoctlIfreq(inet, unix.SIOCSIFFLAGS, lo), unix.IoctlIfreq(inet, unix.SIOCSIFADDR, alias)); err != nil {
		return 0, err
	}
	device, err := net.InterfaceByName("lo")
	if err != nil {
		return 0, err
	}
	return device.Index, nil
}
