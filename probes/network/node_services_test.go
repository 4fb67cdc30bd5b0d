package network

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/sockets"
)

func TestServicePortsAreThoseAtTheNodesAddress(t *testing.T) {
	var all []sockets.Listener
	for i, address := range []string{"0.0.0.0:9100", "[::]:10256", "10.0.0.1:22", "[::]:22", "127.0.0.1:2379", "10.0.0.2:80", "0.0.0.0:10250",
		"0.0.0.0:6443", "[::]:53", "0.0.0.0:443", "0.0.0.0:10255", "0.0.0.0:30000", "0.0.0.0:32767", "0.0.0.0:32768", "10.0.0.1:40001"} {
		all = append(all, sockets.Listener{Address: netip.MustParseAddrPort(address), Inode: uint64(i)})
	}
	got := strings.Join(servicePorts(all, netip.MustParseAddr("10.0.0.1"), map[uint64]bool{14: true}), ",")
	if want := "22,9100,10256,32768"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNodeServicesAreCalled(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	shut, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := func(l net.Listener) string {
		return strconv.Itoa(int(netip.MustParseAddrPort(l.Addr().String()).Port()))
	}
	listed := listNodeServices(&probes.Context{Params: map[string]string{probes.ParamNodeIP: "127.0.0.1"}})
	given, _ := listed.Values.Text(probes.GivePrefix + probes.ParamNodePorts)
	if listed.State != evidence.Seen {
		t.Fatalf("%+v", listed)
	}
	_, cut := listed.Values.Number("truncated")
	for _, l := range []net.Listener{open, shut} {
		if p := port(l); !cut && !strings.Contains(","+given+",", ","+p+",") {
			t.Errorf("port %s is not among %s", p, given)
		}
	}
	_ = shut.Close()
	o := nodeServices(&probes.Context{Params: map[string]string{probes.ParamNodeIP: "127.0.0.1", probes.ParamNodePorts: port(open) + "," + port(shut),
		probes.ParamOpenKubelet: port(open)}})
	reached, _ := o.Values.List("reached")
	refused, _ := o.Values.List("refused")
	standIn, _ := o.Values.Text("stand_in")
	if standIn != "done" || strings.Join(reached, " ") != port(open) || strings.Join(refused, " ") != port(shut)+": ECONNREFUSED" {
		t.Errorf("reached %q, refused %q (%s)", reached, refused, o.Detail)
	}
}

func TestNodeServicesUntold(t *testing.T) {
	for want, params := range map[string]map[string]string{
		"an address": nil, "on which ports": {probes.ParamNodeIP: "127.0.0.1"},
		"a planted service": {probes.ParamNodeIP: "127.0.0.1", probes.ParamNodePorts: ""},
	} {
		if o := nodeServices(&probes.Context{Params: params}); o.State != evidence.Absent || !strings.Contains(o.Detail, want) {
			t.Errorf("%v: %+v", params, o)
		}
	}
}
