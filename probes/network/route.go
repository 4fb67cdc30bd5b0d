package network

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// gateway is the next hop of the default route.
type gateway struct {
	device  string
	address netip.Addr
}

// defaultGateway returns the next hop of the IPv4 default route, and whether
// there is one.
func defaultGateway() (gateway, bool) {
	table, err := kernfs.Read("/proc/net/route")
	if err != nil {
		return gateway{}, false
	}
	return parseRoutes(string(table))
}

// parseRoutes finds the default gateway in /proc/net/route: interface,
// destination and gateway come first on each line, addresses as the machine's
// own 32-bit numbers in hexadecimal (fib_route_seq_show of the kernel).
func parseRoutes(table string) (gateway, bool) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 8 || fields[1] != "00000000" || fields[7] != "00000000" {
			continue
		}
		raw, err := hex.DecodeString(fields[2])
		if err != nil || len(raw) != 4 {
			continue
		}
		var address [4]byte
		binary.NativeEndian.PutUint32(address[:], binary.BigEndian.Uint32(raw))
		if hop := netip.AddrFrom4(address); !hop.IsUnspecified() {
			return gateway{device: fields[0], address: hop}, true
		}
	}
	return gateway{}, false
}

// hardwareAddress finds the address of a neighbour in /proc/net/arp
// (proc_net(5)), where it has six fields: address, type, flags, hardware
// address, mask, device.
func hardwareAddress(table string, g gateway) (net.HardwareAddr, bool) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) != 6 || fields[0] != g.address.String() || fields[5] != g.device {
			continue
		}
		hardware, err := net.ParseMAC(fields[3])
		if err == nil && strings.Trim(fields[3], "0:") != "" {
			return hardware, true
		}
	}
	return nil, false
}
