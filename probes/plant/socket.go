package plant

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/place"
)

// socketBacklog is how many seekers may wait to be answered; all pods of a
// target look at about the same time.
const socketBacklog = 64

// putSocket listens on an abstract unix socket of the node's network namespace
// and gives the token to whoever connects.
func putSocket(s *site, r *report) {
	name := place.SocketName(s.tokenHash(probes.TokenSocket))
	if err := serveToken(name, s.token(probes.TokenSocket)); err != nil {
		r.failed("socket", err)
		return
	}
	r.planted("socket", "@%s", name)
}

func serveToken(name, token string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a unix socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + name}); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("bind abstract socket %s: %w", name, err)
	}
	if err := unix.Listen(fd, socketBacklog); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("listen on abstract socket %s: %w", name, err)
	}
	// The socket and its goroutine end with the holder.
	go func() {
		for {
			connection, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			if err == nil {
				_ = unix.Sendto(connection, []byte(token), unix.MSG_NOSIGNAL, nil)
				_ = unix.Close(connection)
			} else if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED) {
				return
			}
		}
	}()
	return nil
}

func findSocket(s *site) []string {
	if s.seed == nil {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = unix.Close(fd) }()
	name := "@" + place.SocketName(s.tokenHash(probes.TokenSocket))
	// EAGAIN: somebody listens and is slow to accept.
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err != nil && !errors.Is(err, unix.EAGAIN) {
		return nil
	}
	return []string{name}
}
