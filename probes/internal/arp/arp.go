// Package arp makes and recognises the one forged frame that a probe sends: an
// announcement (RFC 5227) of an address that belongs to nobody, signed with a
// nonce behind the packet.
package arp

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
)

// packetBytes is the length of an ARP packet for IPv4 on Ethernet (RFC 826).
const packetBytes = 28

// mark precedes the nonce behind the packet.
const mark = "katacert mark "

// nobodys are addresses that no network may use (TEST-NET-1, RFC 5737): a node
// that believed the announcement would come to no harm.
var nobodys = netip.MustParsePrefix("192.0.2.0/24")

// Announcement is the packet by which the sender claims an address that belongs
// to nobody.
func Announcement(sender net.HardwareAddr, nonce string) []byte {
	claimed := nobodys.Addr().As4()
	claimed[3] = 1
	packet := make([]byte, packetBytes, packetBytes+len(mark)+len(nonce))
	binary.BigEndian.PutUint16(packet[0:], 1)      // Ethernet
	binary.BigEndian.PutUint16(packet[2:], 0x0800) // IPv4
	packet[4], packet[5] = 6, 4                    // lengths of the addresses
	binary.BigEndian.PutUint16(packet[6:], 1)      // request
	copy(packet[8:14], sender)
	copy(packet[14:18], claimed[:])
	copy(packet[24:28], claimed[:])
	return append(packet, mark+nonce...)
}

// Signed returns the nonce of an announcement, and whether the packet is one.
// Behind it may be what fills a frame to its least length.
func Signed(packet []byte) (nonce string, ok bool) {
	if len(packet) < packetBytes || packet[4] != 6 || packet[5] != 4 {
		return "", false
	}
	claimed, _ := netip.AddrFromSlice(packet[14:18])
	text := string(bytes.TrimRight(packet[packetBytes:], "\x00"))
	nonce, ok = strings.CutPrefix(text, mark)
	return nonce, ok && nobodys.Contains(claimed)
}
