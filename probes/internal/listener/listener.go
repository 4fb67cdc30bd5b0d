// Package listener is a small service that knows who came: it answers every
// connection with a banner, and keeps a record of the nonces with which its
// callers signed.
//
// A vantage signs with a nonce that nobody else knows before it calls. So the
// record of the called says who got through, whatever the callers say of
// themselves, and a call that got through although no answer came back (a
// datagram, a filtered reply) counts as well.
//
// One exchange by TCP, each line ended by a line feed:
//
//	listener: katacert <challenge> <banner>
//	caller:   mark <nonce>                  listener: noted
//	caller:   tell <HMAC of the challenge>  listener: <nonce>... end
//
// By UDP a caller sends "mark <nonce>" in one datagram and hears nothing.
package listener

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	// maxConnections bounds how many callers are served at a time; the others are
	// turned away.
	maxConnections = 32
	// maxLine bounds a line, in bytes. Longer ones end the exchange.
	maxLine = 256
)

// ServeWithin bounds one exchange on an idle machine: who says nothing is not waited
// for.
const ServeWithin = 2 * time.Second

// Options say what a listener tells, and to whom.
type Options struct {
	// Banner is one line.
	Banner string
	// Key is the secret for which the record is told (see Ask); nobody is told it where
	// there is none.
	Key []byte
	// Within bounds one exchange; 0 is ServeWithin.
	Within time.Duration
}

// Listener answers callers until it is closed.
type Listener struct {
	socket  io.Closer
	address net.Addr
	options Options
	record  *Record
}

// Listen answers on an address of network "tcp" ("127.0.0.1:0") or "unix"
// ("@name") and notes in record who came.
func Listen(network, address string, o Options, record *Record) (*Listener, error) {
	socket, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("listen for callers: %w", err)
	}
	l := &Listener{socket: socket, address: socket.Addr(), options: o, record: record}
	go l.accept(socket)
	return l, nil
}

// Address is where the listener waits.
func (l *Listener) Address() string { return l.address.String() }

// Close ends the listener. Exchanges that are under way end by themselves.
func (l *Listener) Close() error {
	if err := l.socket.Close(); err != nil {
		return fmt.Errorf("close the listener on %s: %w", l.address, err)
	}
	return nil
}

func (l *Listener) accept(socket net.Listener) {
	free := make(chan struct{}, maxConnections)
	for {
		connection, err := socket.Accept()
		if err != nil {
			return // it was closed; callers that hang up are no error here
		}
		select {
		case free <- struct{}{}:
			go func() {
				defer func() { <-free }()
				l.serve(connection)
			}()
		default:
			_ = connection.Close()
		}
	}
}

// serve has one exchange. Failures are the caller's: it hears nothing more.
func (l *Listener) serve(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	if connection.SetDeadline(time.Now().Add(cmp.Or(l.options.Within, ServeWithin))) != nil {
		return
	}
	challenge := newChallenge()
	if _, err := fmt.Fprintf(connection, "%s %s %s\n", greeting, challenge, l.options.Banner); err != nil {
		return
	}
	line, err := readLine(bufio.NewReaderSize(connection, maxLine))
	if err != nil {
		return
	}
	switch word, rest, _ := strings.Cut(line, " "); word {
	case wordMark:
		if l.record.Add(rest) {
			_, _ = io.WriteString(connection, answerNoted+"\n")
		}
	case wordTell:
		if proven(l.options.Key, challenge, rest) {
			_, _ = io.WriteString(connection, strings.Join(append(l.record.Nonces(), answerEnd), "\n")+"\n")
		}
	}
}

// readLine reads one line without its line feed. A line that does not fit into
// the reader's buffer is an error.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(line), "\n"), nil
}
