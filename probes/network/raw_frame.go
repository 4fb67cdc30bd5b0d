package network

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/arp"
)

// forgesFrames restricts a probe to two pods on the pod network: from a pod on
// the node's own network a forged frame would leave the node.
func forgesFrames(v evidence.Vantage) bool {
	return v == evidence.Subject || v == evidence.Weakened("net-raw")
}

// rawFrame sends the gateway one frame that no honest stack sends from here: it
// announces an address that is not the pod's, and is nobody's. It goes to the
// gateway's hardware address alone, so that no other pod gets it.
func rawFrame(ctx *probes.Context) evidence.Observation {
	if node, err := netip.ParseAddr(ctx.Params[probes.ParamNodeIP]); err == nil && isLocal(node) {
		return probes.Absent("the pod stands on the node's own network, which frames would leave the node by")
	}
	hop, ok := defaultGateway()
	if !ok {
		return probes.Absent("there is no gateway to send a frame to")
	}
	err := sendAnnouncement(hop, ctx.Nonce, limit(ctx))
	return probes.Seen(evidence.Values{"tried": evidence.List("arp: " + became(err))})
}

func sendAnnouncement(hop gateway, nonce string, within time.Duration) error {
	device, err := net.InterfaceByName(hop.device)
	if err != nil {
		return fmt.Errorf("find the interface of the default route: %w", err)
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a packet socket: %w", err)
	}
	defer func() { _ = unix.Close(socket) }()
	// A datagram to its discard port (RFC 863) lets the kernel ask for the
	// gateway's hardware address.
	if err := sendDatagram(net.JoinHostPort(hop.address.String(), "9"), nonce); err != nil {
		return err
	}
	hardware, err := askHardwareAddress(hop, within)
	if err != nil {
		return err
	}
	to := unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ARP), Ifindex: device.Index, Halen: uint8(len(hardware))}
	copy(to.Addr[:], hardware)
	if err := unix.Sendto(socket, arp.Announcement(device.HardwareAddr, nonce), 0, &to); err != nil {
		return fmt.Errorf("send a forged announcement: %w", err)
	}
	return nil
}
