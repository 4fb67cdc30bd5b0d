package process

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/place"
)

const (
	// answerWithin bounds each wait for the other side of the socket.
	answerWithin = time.Second
	// searchWithin bounds all of them, should the other side answer in crumbs.
	searchWithin = 3 * time.Second
)

// answer is what the other side of a socket said.
type answer struct {
	text string
	err  error
}

// abstractSocket looks for the planted abstract unix socket, which belongs to
// the node's network namespace, and for the token behind it.
func abstractSocket(ctx *probes.Context) evidence.Observation {
	hash := ctx.Seek[probes.TokenSocket]
	if hash == "" {
		return untold(probes.TokenSocket)
	}
	name := place.SocketName(hash)
	limit := ctx.Scaled(searchWithin)
	a, ended := bounded.Within(limit, func() answer { return ask(name, ctx.Scaled(answerWithin)) })
	if !ended {
		a.err = fmt.Errorf("abstract socket %s did not answer within %v", name, limit)
	}
	text, err := a.text, a.err
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOENT):
		return probes.Seen(evidence.Values{"found": evidence.List()})
	case err != nil:
		return probes.Unreadable(err)
	case !ctx.Find(probes.TokenSocket, text):
		return evidence.Observation{State: evidence.Failed, Detail: "somebody else answers on abstract socket " + name}
	}
	return probes.Seen(evidence.Values{"found": evidence.List("@" + name)})
}

// ask connects and reads what the other side says, up to the length of a token.
// Within bounds each wait.
func ask(name string, within time.Duration) answer {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return answer{err: fmt.Errorf("make a unix socket: %w", err)}
	}
	defer func() { _ = unix.Close(fd) }()
	// The time-outs bound connect(2), which waits while the backlog is full,
	// and read(2); see socket(7).
	limit := unix.NsecToTimeval(within.Nanoseconds())
	for _, option := range []int{unix.SO_SNDTIMEO, unix.SO_RCVTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &limit); err != nil {
			return answer{err: fmt.Errorf("bound the wait on a unix socket: %w", err)}
		}
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: "@" + name}); err != nil {
		return answer{err: fmt.Errorf("connect to abstract socket %s: %w", name, err)}
	}
	text := make([]byte, place.TokenBytes)
	n, err := io.ReadFull(reader(fd), text)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return answer{err: fmt.Errorf("read from abstract socket %s: %w", name, err)}
	}
	return answer{text: string(text[:n])}
}

// reader reads from a descriptor.
type reader int

func (r reader) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(r), p)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
