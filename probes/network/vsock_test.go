package network

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// line is a connection on which the other side answers once.
type line struct {
	answer *strings.Reader
	heard  *bytes.Buffer
}

func (l line) Read(p []byte) (int, error)  { return l.answer.Read(p) }
func (l line) Write(p []byte) (int, error) { return l.heard.Write(p) }
func (line) Close() error                  { return nil }

// node is a node on which those ports of vsock answer.
type node struct {
	answers map[uint32]string
	refuses error
	heard   bytes.Buffer
	dialled []string
}

func (n *node) dial(cid, port uint32, _ time.Duration) (io.ReadWriteCloser, error) {
	n.dialled = append(n.dialled, fmt.Sprintf("%d:%d", cid, port))
	answer, listens := n.answers[port]
	if !listens {
		return nil, fmt.Errorf("connect: %w", n.refuses)
	}
	return line{strings.NewReader(answer), &n.heard}, nil
}

func TestSweepVsock(t *testing.T) {
	given := map[string]string{probes.ParamVsockPort: "4000000000", probes.ParamVsockListeners: "7777,nonsense"}
	planted := probes.VsockAnswer + "\n"
	for _, test := range []struct {
		name    string
		params  map[string]string
		answers map[uint32]string
		refuses error
		state   evidence.State
		reached []string
		calls   int
	}{
		{"nobody but the planted one", given, map[uint32]string{4000000000: planted}, unix.ECONNRESET, evidence.Seen, []string{}, vsockSweep + 2},
		{"a listener that the node lists", given, map[uint32]string{4000000000: planted, 7777: ""}, unix.ECONNRESET, evidence.Seen, []string{"7777"}, vsockSweep + 2},
		{"a listener at a low port", given, map[uint32]string{4000000000: planted, 1024: ""}, unix.ECONNRESET, evidence.Seen, []string{"1024"}, vsockSweep + 2},
		{"the guest may open no such socket", given, nil, unix.EPERM, evidence.Denied, nil, 1},
		{"the guest has no vsock", given, nil, unix.EAFNOSUPPORT, evidence.Absent, nil, 1},
		{"vsock that does not lead to the node", given, nil, unix.ENODEV, evidence.Absent, nil, 1},
		{"somebody else answers there", given, map[uint32]string{4000000000: "SSH-2.0\n", 22: ""}, unix.ECONNRESET, evidence.Absent, nil, 1},
		{"nothing is planted, and nobody is called", nil, map[uint32]string{1024: ""}, unix.ECONNRESET, evidence.Absent, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := &node{answers: test.answers, refuses: test.refuses}
			o := sweepVsock(&probes.Context{Params: test.params, Nonce: "mine"}, n.dial)
			reached, _ := o.Values.List("reached")
			if o.State != test.state || !slices.Equal(reached, test.reached) || len(n.dialled) != test.calls {
				t.Errorf("%s (%s), reached %q in %d calls", o.State, o.Detail, reached, len(n.dialled))
			}
			if o.State == evidence.Seen && n.heard.String() != "mine\n" {
				t.Errorf("the node heard %q: only the planted listener is told anything", n.heard.String())
			}
		})
	}
}

func TestAskAgent(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers map[uint32]string
		state   evidence.State
		reached []string
	}{
		{"refused", map[uint32]string{5: ""}, evidence.Seen, []string{}},
		{"the agent's API", map[uint32]string{5: "", 1024: ""}, evidence.Seen, []string{"1024"}},
		{"the debug console too", map[uint32]string{5: "", 1024: "", 1026: ""}, evidence.Seen, []string{"1024", "1026"}},
		{"no way to itself", map[uint32]string{1024: ""}, evidence.Absent, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := &node{answers: test.answers, refuses: unix.ECONNRESET}
			o := askAgent(&probes.Context{}, n.dial, 5)
			if reached, _ := o.Values.List("reached"); o.State != test.state || !slices.Equal(reached, test.reached) {
				t.Errorf("%s (%s), reached %q", o.State, o.Detail, reached)
			}
			if slices.ContainsFunc(n.dialled, func(to string) bool { return !strings.HasPrefix(to, "1:") }) {
				t.Errorf("called %q, and not only itself", n.dialled)
			}
		})
	}
}

// No answer in time is no refusal.
func TestASilentVsockIsNoRefusal(t *testing.T) {
	n := &node{answers: map[uint32]string{5: ""}, refuses: unix.ETIMEDOUT}
	o := askAgent(&probes.Context{}, n.dial, 5)
	unanswered, _ := o.Values.List("unanswered")
	if refused, _ := o.Values.List("refused"); len(refused) != 0 || len(unanswered) != len(agentPorts) {
		t.Errorf("refused %q, unanswered %q", refused, unanswered)
	}
	if _, _, whole := sweep(&probes.Context{}, n.dial, 5); whole {
		t.Error("a sweep that nobody answered is called whole")
	}
}

// Nobody but the sandbox under test calls by vsock, and the witness listens alone.
func TestOnlyTheSubjectCallsByVsock(t *testing.T) {
	for _, p := range Probes() {
		if strings.HasPrefix(p.ID, "vsock-") && (!p.OptIn || p.From(evidence.Reference) || p.From(evidence.Weakened("privileged")) || p.From(evidence.Neighbour)) {
			t.Errorf("%s runs at other vantages, or unasked", p.ID)
		}
	}
}
