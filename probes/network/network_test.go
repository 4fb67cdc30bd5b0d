package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/listener"
)

const within = 2 * time.Second

func TestParseRoutes(t *testing.T) {
	const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	for name, test := range map[string]struct {
		table, want string
	}{
		"a pod's":            {head + "eth0\t00000000\t0100F40A\t0003\t0\t0\t0\t00000000\t0\t0\t0\neth0\t0000F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", "eth0 10.244.0.1"},
		"Calico's":           {head + "eth0\t00000000\t0101FEA9\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", "eth0 169.254.1.1"},
		"without a gateway":  {head + "eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", ""},
		"half of the world":  {head + "tun0\t00000000\t0100000A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", ""},
		"no default":         {head + "eth0\t0000F40A\t0100F40A\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", ""},
		"not a number":       {head + "eth0\t00000000\t0100F40\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", ""},
		"nothing but titles": {head, ""},
		"empty":              {"", ""},
	} {
		got := ""
		if hop, ok := parseRoutes(test.table); ok {
			got = fmt.Sprintf("%s %s", hop.device, hop.address)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestHardwareAddress(t *testing.T) {
	const table = `IP address       HW type     Flags       HW address            Mask     Device
10.244.0.9       0x1         0x2         0a:58:0a:f4:00:09     *        eth0
10.244.0.1       0x1         0x0         00:00:00:00:00:00     *        eth0
10.244.0.1       0x1         0x2         0a:58:0a:f4:00:01     *        eth1
`
	for device, want := range map[string]string{"eth0": "", "eth1": "0a:58:0a:f4:00:01", "eth2": ""} {
		got, ok := hardwareAddress(table, gateway{device: device, address: netip.MustParseAddr("10.244.0.1")})
		if got.String() != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", device, got, ok, want)
		}
	}
}

func TestLoopbackIsCalled(t *testing.T) {
	calls, packets := &listener.Record{}, &listener.Record{}
	l, err := listener.Listen("tcp", "127.0.0.1:0", listener.Options{Banner: "token"}, calls)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p, err := listener.ListenPackets(l.Address(), packets)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	port := netip.MustParseAddrPort(l.Address()).Port()
	// The node's address is this machine's own, so that nothing is sent to a
	// gateway.
	ctx := &probes.Context{Vantage: evidence.Subject, Round: evidence.LookAgain, Nonce: "n1",
		Params: map[string]string{probes.ParamLoopback: fmt.Sprint(port), probes.ParamNodeIP: "127.0.0.1"}}
	o := loopback(ctx)
	tried, _ := o.Values.List("tried")
	if want := "tcp loopback: done|tcp node: done|udp loopback: done|udp node: done"; strings.Join(tried, "|") != want {
		t.Errorf("tried %q, want %q", tried, want)
	}
	if got := calls.Nonces(); len(got) != 1 || got[0] != "n1" {
		t.Errorf("the record holds %q", got)
	}
}

func TestLoopbackUntold(t *testing.T) {
	for _, port := range []string{"", "0", "x", "65536"} {
		o := loopback(&probes.Context{Params: map[string]string{probes.ParamLoopback: port}})
		if o.State != evidence.Absent || !strings.Contains(o.Detail, "was not told") {
			t.Errorf("port %q: %+v", port, o)
		}
	}
}

func TestBecame(t *testing.T) {
	for want, err := range map[string]error{
		"done": nil, "ECONNREFUSED": fmt.Errorf("call: %w", unix.ECONNREFUSED),
		"no-answer": fmt.Errorf("call: %w", os.ErrDeadlineExceeded), "failed": errors.New("odd"),
	} {
		if got := became(err); got != want {
			t.Errorf("%v became %q, want %q", err, got, want)
		}
	}
}

func TestLimitIsScaled(t *testing.T) {
	for scale, want := range map[float64]time.Duration{0: answerWithin, 1: answerWithin, 2.5: answerWithin * 5 / 2} {
		if got := limit(&probes.Context{TimeoutScale: scale}); got != want {
			t.Errorf("scale %v: %v, want %v", scale, got, want)
		}
	}
}
