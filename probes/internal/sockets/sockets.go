// Package sockets reads the kernel's table of TCP sockets.
package sockets

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Listener is a TCP socket that waits for connections.
type Listener struct {
	// Address is where it waits; unspecified where that is every address.
	Address netip.AddrPort
	// Inode is the number of the socket, by which its processes are found.
	Inode uint64
}

// stateListen is the state of such sockets (TCP_LISTEN in the kernel's
// include/net/tcp_states.h).
const stateListen = "0A"

// Listening returns at most limit of the listeners of the caller's network
// namespace, from a file like /proc/net/tcp or /proc/net/tcp6. These come first
// in it, so that the connections of a busy node, which may be many, are not
// read. It fails when the file cannot be opened or read.
func Listening(path string, limit int) ([]Listener, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return parse(file, limit)
}

func parse(table io.Reader, limit int) ([]Listener, error) {
	var all []Listener
	lines := bufio.NewScanner(table)
	for titles := true; len(all) < limit && lines.Scan(); titles = false {
		if titles {
			continue
		}
		// Slot, local and remote address, state, four fields, uid, time-outs, inode
		// (Documentation/networking/proc_net_tcp.rst).
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			return nil, fmt.Errorf("the table of sockets has the line %.80q", lines.Text())
		}
		if fields[3] != stateListen {
			break
		}
		address, err := parseAddress(fields[1])
		if err != nil {
			return nil, err
		}
		inode, err := strconv.ParseUint(fields[9], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("a socket has the inode %.40q", fields[9])
		}
		all = append(all, Listener{Address: address, Inode: inode})
	}
	return all, lines.Err()
}

// parseAddress reads an address as the machine's own 32-bit numbers in
// hexadecimal, and a port.
func parseAddress(text string) (netip.AddrPort, error) {
	words, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(words)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("a socket has the address %.60q", text)
	}
	for at := 0; at < len(raw); at += 4 {
		binary.NativeEndian.PutUint32(raw[at:], binary.BigEndian.Uint32(raw[at:]))
	}
	address, _ := netip.AddrFromSlice(raw) // its length is that of an address
	return netip.AddrPortFrom(address.Unmap(), uint16(number)), nil
}
