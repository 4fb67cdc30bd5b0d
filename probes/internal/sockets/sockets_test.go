package sockets

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func TestParse(t *testing.T) {
	const (
		anyAddress = "   0: 00000000:2810 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n"
		loopback   = "   1: 0100007F:094B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n"
		connection = "   2: 0100007F:094B 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 20 4 30 10 -1\n"
		mapped     = "   0: 0000000000000000FFFF00000100630A:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9 1 0 100 0 0 10 0\n"
		any6       = "   1: 00000000000000000000000000000000:280A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 8 1 0 100 0 0 10 0\n"
	)
	for name, test := range map[string]struct {
		table string
		limit int
		want  string
		fails bool
	}{
		"listeners before connections": {table: head + anyAddress + loopback + connection + anyAddress, limit: 9, want: "0.0.0.0:10256 127.0.0.1:2379"},
		"bounded":                      {table: head + anyAddress + loopback, limit: 1, want: "0.0.0.0:10256"},
		"IPv6":                         {table: head + mapped + any6, limit: 9, want: "10.99.0.1:80 [::]:10250"},
		"titles alone":                 {table: head, limit: 9},
		"empty":                        {limit: 9},
		"cut":                          {table: head + "   0: 00000000:2810 00000000:0000 0A\n", limit: 9, fails: true},
		"no address":                   {table: head + strings.Replace(anyAddress, "00000000:2810", "0000:2810", 1), limit: 9, fails: true},
		"no port":                      {table: head + strings.Replace(anyAddress, ":2810", ":x", 1), limit: 9, fails: true},
		"no inode":                     {table: head + strings.Replace(anyAddress, "4711", "x", 1), limit: 9, fails: true},
	} {
		all, err := parse(strings.NewReader(test.table), test.limit)
		var got []string
		for _, l := range all {
			got = append(got, l.Address.String())
		}
		if strings.Join(got, " ") != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
}

func TestListeningFindsASocket(t *testing.T) {
	socket, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	want := netip.MustParseAddrPort(socket.Addr().String())
	all, err := Listening("/proc/net/tcp", 4096)
	if err != nil || !slices.ContainsFunc(all, func(l Listener) bool { return l.Address == want && l.Inode != 0 }) {
		t.Errorf("%v is not among %v (%v)", want, all, err)
	}
}
