package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// neighbourEvery is the pause between two looks for the gateway's hardware
// address.
const neighbourEvery = 20 * time.Millisecond

// errNoNeighbour says that nobody told the gateway's hardware address in time.
var errNoNeighbour = errors.New("the gateway has no hardware address here")

// sendLoopbackFrame sends the gateway a datagram for 127.0.0.1. No socket of the
// network protocols does that: the kernel keeps the address to itself. A node
// must drop what comes for it from outside (RFC 1122, 3.2.1.3), and does not
// where route_localnet is set for NodePorts and no rule forbids it
// (CVE-2020-8558).
func sendLoopbackFrame(hop gateway, port uint16, payload []byte, within time.Duration) error {
	device, err := net.InterfaceByName(hop.device)
	if err != nil {
		return fmt.Errorf("find the interface of the default route: %w", err)
	}
	// With SOCK_DGRAM the kernel writes the frame's own header (packet(7)).
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a packet socket: %w", err)
	}
	defer func() { _ = unix.Close(socket) }()
	source, err := sourceFor(hop.address)
	if err != nil {
		return err
	}
	hardware, err := askHardwareAddress(hop, within)
	if err != nil {
		return err
	}
	to := unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IP), Ifindex: device.Index, Halen: uint8(len(hardware))}
	copy(to.Addr[:], hardware)
	packet := udpPacket(source, netip.AddrFrom4([4]byte{127, 0, 0, 1}), port, payload)
	if err := unix.Sendto(socket, packet, 0, &to); err != nil {
		return fmt.Errorf("send a frame for 127.0.0.1 to the gateway: %w", err)
	}
	return nil
}

// sourceFor is the address from which packets to another leave.
func sourceFor(address netip.Addr) (netip.Addr, error) {
	// Connecting a datagram socket sends nothing. Port 9 discards (RFC 863).
	connection, err := net.Dial("udp", netip.AddrPortFrom(address, 9).String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the address towards the gateway: %w", err)
	}
	defer func() { _ = connection.Close() }()
	own, err := netip.ParseAddrPort(connection.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("read the address towards the gateway: %w", err)
	}
	return own.Addr(), nil
}

// askHardwareAddress waits until the kernel knows the gateway's hardware
// address. The calls that are made at the same time let the kernel ask for it.
func askHardwareAddress(hop gateway, within time.Duration) (net.HardwareAddr, error) {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	again := time.NewTicker(neighbourEvery)
	defer again.Stop()
	for {
		table, err := kernfs.Read("/proc/net/arp")
		if err != nil {
			return nil, fmt.Errorf("read the neighbours: %w", err)
		}
		if hardware, ok := hardwareAddress(string(table), hop); ok {
			return hardware, nil
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return nil, errNoNeighbour
		}
	}
}

const (
	ipv4HeaderBytes = 20
	udpHeaderBytes  = 8
	timeToLiveHops  = 64
)

// udpPacket is an IPv4 packet with one datagram (RFC 791, RFC 768). The
// datagram's checksum is zero: there is none.
func udpPacket(from, to netip.Addr, port uint16, payload []byte) []byte {
	packet := make([]byte, ipv4HeaderBytes+udpHeaderBytes, ipv4HeaderBytes+udpHeaderBytes+len(payload))
	packet = append(packet, payload...)
	packet[0] = 4<<4 | ipv4HeaderBytes/4
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	packet[8], packet[9] = timeToLiveHops, unix.IPPROTO_UDP
	copy(packet[12:], from.AsSlice())
	copy(packet[16:], to.AsSlice())
	binary.BigEndian.PutUint16(packet[10:], checksum(packet[:ipv4HeaderBytes]))
	datagram := packet[ipv4HeaderBytes:]
	binary.BigEndian.PutUint16(datagram[0:], port)
	binary.BigEndian.PutUint16(datagram[2:], port)
	binary.BigEndian.PutUint16(datagram[4:], uint16(udpHeaderBytes+len(payload)))
	return packet
}

// checksum is the ones' complement sum of RFC 1071 over an even number of bytes.
func checksum(data []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(data); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(data[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// networkOrder puts a number into the order of bytes of the network.
func networkOrder(n uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return binary.NativeEndian.Uint16(b[:])
}
