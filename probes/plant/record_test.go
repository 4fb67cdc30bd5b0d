package plant

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/listener"
)

// Whoever calls on the node's loopback address is told by the settle round, and
// nobody else is.
func TestSettleTellsWhoCalledOnLoopback(t *testing.T) {
	root, run := node(t), newRun()
	ctx, lines, values := planted(t, root, run)
	if !hasKind(lines, plantLoopback) || !hasKind(lines, plantLoopbackPackets) {
		t.Fatalf("no listeners among %q", lines)
	}
	port, _ := values.Text(probes.GivePrefix + probes.ParamLoopback)
	address := net.JoinHostPort("127.0.0.1", port)
	banner, err := listener.Touch(address, "caller", 2*time.Second)
	if err != nil || banner != probes.Token(ctx.Seed, probes.TokenLoopback) {
		t.Errorf("banner %q, %v", banner, err)
	}
	connection, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := connection.Write(listener.Datagram("sender")); err != nil {
		t.Fatal(err)
	}
	s, err := newSite(ctx.Run, ctx.HostRoot, ctx.Seed)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the datagram to be noted", func() bool {
		noted, _ := askRecord(s, plantLoopbackPackets)
		return len(noted) > 0
	})
	settled := *ctx
	settled.Round = evidence.Settle
	o := observe(&settled)
	got, _ := o.Values.List("touched")
	if want := []string{"loopback caller", "loopback-udp sender"}; !slices.Equal(got, want) {
		t.Errorf("touched %q, want %q", got, want)
	}
	if untold, ok := o.Values.List("untold"); !ok || len(untold) > 0 {
		t.Errorf("untold %q", untold)
	}
	if _, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		t.Error("somebody listens after settle")
	}
}

// A record that cannot be read is no record of nobody.
func TestSettleSaysWhichRecordsAreLost(t *testing.T) {
	root, run := node(t), newRun()
	ctx, _, _ := planted(t, root, run)
	if err := Release(); err != nil {
		t.Fatal(err)
	}
	settled := *ctx
	settled.Round = evidence.Settle
	o := observe(&settled)
	untold, _ := o.Values.List("untold")
	for _, plant := range []string{plantLoopback, plantLoopbackPackets} {
		if !slices.ContainsFunc(untold, func(line string) bool { return len(line) > len(plant) && line[:len(plant)+1] == plant+":" }) {
			t.Errorf("plant %s is not among the untold %q", plant, untold)
		}
	}
}
