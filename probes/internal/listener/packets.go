package listener

import (
	"fmt"
	"net"
	"strings"
)

// ListenPackets notes in record who sent a datagram to an address of network
// "udp" ("127.0.0.1:7331"). It answers nobody.
func ListenPackets(address string, record *Record) (*Listener, error) {
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for datagrams: %w", err)
	}
	l := &Listener{socket: socket, address: socket.LocalAddr(), record: record}
	go l.receive(socket)
	return l, nil
}

func (l *Listener) receive(socket net.PacketConn) {
	// One byte more than the longest line, so that a longer one is seen to be so.
	datagram := make([]byte, maxLine+1)
	for {
		n, _, err := socket.ReadFrom(datagram)
		if err != nil {
			return // it was closed
		}
		if nonce, ok := strings.CutPrefix(string(datagram[:n]), wordMark+" "); ok && n <= maxLine {
			l.record.Add(nonce)
		}
	}
}

// Datagram is what a caller sends to sign with its nonce.
func Datagram(nonce string) []byte { return []byte(wordMark + " " + nonce) }
