package listener

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	within = 2 * time.Second
	again  = 5 * time.Millisecond
)

var key = []byte("the key of the test")

func listen(t *testing.T, network, address string) (*Listener, *Record) {
	t.Helper()
	record := &Record{}
	l, err := Listen(network, address, Options{Banner: "the banner", Key: key}, record)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, record
}

func TestTouchIsNotedAndTold(t *testing.T) {
	l, record := listen(t, "tcp", "127.0.0.1:0")
	for range 2 {
		banner, err := Touch(l.Address(), "nonce-1", within)
		if err != nil || banner != "the banner" {
			t.Fatalf("banner %q, %v", banner, err)
		}
	}
	if _, err := Touch(l.Address(), "nonce-2", within); err != nil {
		t.Fatal(err)
	}
	want := []string{"nonce-1", "nonce-2"}
	if got := record.Nonces(); !slices.Equal(got, want) {
		t.Errorf("the record holds %q, want %q", got, want)
	}
	if got, err := Ask("tcp", l.Address(), key, within); err != nil || !slices.Equal(got, want) {
		t.Errorf("told %q, %v; want %q", got, err, want)
	}
}

func TestAskOnAnAbstractSocket(t *testing.T) {
	name := fmt.Sprintf("@katacert-test-%d", time.Now().UnixNano())
	_, record := listen(t, "unix", name)
	record.Add("raw-frame-n")
	if got, err := Ask("unix", name, key, within); err != nil || !slices.Equal(got, []string{"raw-frame-n"}) {
		t.Errorf("told %q, %v", got, err)
	}
}

func TestTheRecordIsToldToNobodyWithoutTheKey(t *testing.T) {
	l, record := listen(t, "tcp", "127.0.0.1:0")
	record.Add("secret")
	for name, wrong := range map[string][]byte{"no key": nil, "another key": []byte("x")} {
		if got, err := Ask("tcp", l.Address(), wrong, within); err == nil {
			t.Errorf("%s: told %q", name, got)
		}
	}
	closed, err := Listen("tcp", "127.0.0.1:0", Options{Banner: "b"}, record)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = closed.Close() }()
	if got, err := Ask("tcp", closed.Address(), nil, within); err == nil {
		t.Errorf("a listener without a key told %q", got)
	}
}

func TestOddLinesAreDropped(t *testing.T) {
	l, record := listen(t, "tcp", "127.0.0.1:0")
	for _, line := range []string{
		"", "mark", "mark ", "MARK n", "mark UPPER", "mark two words", "mark " + strings.Repeat("a", maxNonce+1),
		"mark " + strings.Repeat("a", 2*maxLine), "tell", "tell 00", "GET / HTTP/1.1", "mark \x00", "mark é",
	} {
		answer := exchange(t, l.Address(), line+"\n")
		if answer != "" {
			t.Errorf("line %.20q was answered with %q", line, answer)
		}
	}
	if got := record.Nonces(); len(got) > 0 {
		t.Errorf("the record holds %q", got)
	}
}

// exchange sends what it is given and returns what follows the greeting.
func exchange(t *testing.T, address, send string) string {
	t.Helper()
	connection, err := net.DialTimeout("tcp", address, within)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(within))
	lines := bufio.NewReader(connection)
	if greeted, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(greeted, "katacert ") {
		t.Fatalf("greeted with %q, %v", greeted, err)
	}
	if _, err := io.WriteString(connection, send); err != nil {
		t.Fatal(err)
	}
	// A listener that hangs up with unread bytes resets the connection.
	rest, _ := io.ReadAll(lines)
	return string(rest)
}

func TestSilentCallersDoNotKeepOthersOut(t *testing.T) {
	l, record := listen(t, "tcp", "127.0.0.1:0")
	var silent []net.Conn
	for range maxConnections {
		connection, err := net.Dial("tcp", l.Address())
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, connection)
		if _, err := bufio.NewReader(connection).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	// All places are taken: the next caller is turned away, and nothing waits.
	if _, err := Touch(l.Address(), "too-many", within); err == nil {
		t.Error("more callers than places were served")
	}
	for _, connection := range silent {
		_ = connection.Close()
	}
	await(t, "a place to be free", func() bool {
		_, err := Touch(l.Address(), "in-time", within)
		return err == nil
	})
	if got := record.Nonces(); !slices.Equal(got, []string{"in-time"}) {
		t.Errorf("the record holds %q", got)
	}
}

func TestTheRecordIsBounded(t *testing.T) {
	record := &Record{}
	for i := range maxNonces {
		if !record.Add(fmt.Sprintf("nonce-%d", i)) {
			t.Fatalf("nonce %d was dropped", i)
		}
	}
	if record.Add("one-more") || len(record.Nonces()) != maxNonces {
		t.Errorf("the record holds %d", len(record.Nonces()))
	}
	if !record.Add("nonce-0") {
		t.Error("who came before is not known any more")
	}
}

func TestPackets(t *testing.T) {
	record := &Record{}
	l, err := ListenPackets("127.0.0.1:0", record)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("udp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	for _, datagram := range [][]byte{[]byte("x"), {}, Datagram("UPPER"), []byte("mark " + strings.Repeat("a", 2*maxLine)), Datagram("nonce-1")} {
		if _, err := connection.Write(datagram); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the datagram to be noted", func() bool { return len(record.Nonces()) > 0 })
	if got := record.Nonces(); !slices.Equal(got, []string{"nonce-1"}) {
		t.Errorf("the record holds %q", got)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// Whoever answers in the listener's place must not be taken for it.
func TestCallersOfSomebodyElse(t *testing.T) {
	for name, says := range map[string]string{
		"nothing":            "",
		"another protocol":   "SSH-2.0-OpenSSH\n",
		"a greeting too few": "katacert challenge\n",
		"a line too long":    strings.Repeat("a", 2*maxLine) + "\n",
		"no answer":          "katacert c banner\n",
		"another answer":     "katacert c banner\nwhat\n",
	} {
		t.Run(name, func(t *testing.T) {
			socket, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = socket.Close() }()
			go func() {
				for {
					connection, err := socket.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(connection, says)
					_ = connection.Close()
				}
			}()
			if _, err := Touch(socket.Addr().String(), "n", within); err == nil {
				t.Error("touched")
			}
			if got, err := Ask("tcp", socket.Addr().String(), key, within); err == nil {
				t.Errorf("told %q", got)
			}
		})
	}
}

func TestTouchEndsInTime(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	const limit = 50 * time.Millisecond
	start := time.Now()
	if _, err := Touch(socket.Addr().String(), "n", limit); err == nil {
		t.Error("touched a listener that never answers")
	}
	if took := time.Since(start); took > within {
		t.Errorf("took %v", took)
	}
	if _, err := Listen("tcp", socket.Addr().String(), Options{Banner: "b"}, &Record{}); err == nil {
		t.Error("listens where somebody else does")
	}
	if _, err := ListenPackets("192.0.2.1:0", &Record{}); err == nil {
		t.Error("listens on an address that is not this machine's")
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(within)
	for !done() {
		select {
		case <-time.After(again):
		case <-deadline:
			t.Fatalf("waited %v for %s", within, what)
		}
	}
}

// Who says nothing is waited for as long as the listener was told, and no longer.
func TestASilentCallerIsHungUpOn(t *testing.T) {
	l, err := Listen("tcp", "127.0.0.1:0", Options{Banner: "b", Within: time.Millisecond}, &Record{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	connection, err := net.Dial("tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := io.ReadAll(connection); err != nil {
		t.Errorf("the listener did not hang up: %v", err)
	}
	if _, err := Touch(l.Address(), "n", 0); err == nil {
		t.Error("a call without time came through")
	}
}
