// Package vsock connects and listens by vsock(7), the way between a guest and its
// node that needs no network.
package vsock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Well-known addresses (linux/vm_sockets.h).
const (
	// Local is the machine itself, where its kernel has the loopback transport.
	Local = unix.VMADDR_CID_LOCAL
	// Node is the host of a guest.
	Node = unix.VMADDR_CID_HOST
)

// Dial connects to a port within the limit. The caller closes the connection.
func Dial(cid, port uint32, limit time.Duration) (io.ReadWriteCloser, error) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a vsock socket: %w", err)
	}
	if err := connect(fd, &unix.SockaddrVM{CID: cid, Port: port}, limit); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("connect to port %d of vsock address %d: %w", port, cid, err)
	}
	timeout := unix.NsecToTimeval(limit.Nanoseconds())
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &timeout); err != nil {
			_ = unix.Close(fd)
			return nil, fmt.Errorf("bound a vsock connection: %w", err)
		}
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("bound a vsock connection: %w", err)
	}
	return os.NewFile(uintptr(fd), "vsock"), nil
}

// connect waits for the answer no longer than the limit.
func connect(fd int, to unix.Sockaddr, limit time.Duration) error {
	err := unix.Connect(fd, to)
	if !errors.Is(err, unix.EINPROGRESS) {
		return err
	}
	for end := time.Now().Add(limit); ; {
		left := time.Until(end)
		if left <= 0 {
			return unix.ETIMEDOUT
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(left.Milliseconds())+1)
		if errors.Is(err, unix.EINTR) || err == nil && n == 0 {
			continue
		}
		if err != nil {
			return err
		}
		code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && code != 0 {
			err = unix.Errno(code)
		}
		return err
	}
}

// backlog bounds the connections that wait to be taken.
const backlog = 16

// Listen waits for connections at a free port of every address of the machine, and
// hands each to serve, one after the other, with the address of who called. It ends
// with the process, or when the returned function is called.
func Listen(serve func(from uint32, connection io.ReadWriter)) (port uint32, end func(), err error) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("open a vsock socket: %w", err)
	}
	shut := func() { _ = unix.Shutdown(fd, unix.SHUT_RDWR); _ = unix.Close(fd) }
	if err := unix.Bind(fd, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: unix.VMADDR_PORT_ANY}); err != nil {
		shut()
		return 0, nil, fmt.Errorf("bind a vsock socket: %w", err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		shut()
		return 0, nil, fmt.Errorf("listen by vsock: %w", err)
	}
	name, err := unix.Getsockname(fd)
	address, ok := name.(*unix.SockaddrVM)
	if err != nil || !ok {
		shut()
		return 0, nil, fmt.Errorf("learn the port of a vsock socket: %w", err)
	}
	go func() {
		for {
			taken, from, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
			if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ECONNABORTED) {
				continue
			}
			if err != nil {
				return
			}
			timeout := unix.Timeval{Sec: serveSeconds}
			_ = unix.SetsockoptTimeval(taken, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
			connection := os.NewFile(uintptr(taken), "vsock")
			caller := uint32(0)
			if address, ok := from.(*unix.SockaddrVM); ok {
				caller = address.CID
			}
			serve(caller, connection)
			_ = connection.Close()
		}
	}()
	return address.Port, shut, nil
}

// serveSeconds bounds how long one caller holds up the others, in seconds.
const serveSeconds = 2
