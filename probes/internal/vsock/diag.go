package vsock

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Of linux/sock_diag.h, linux/vm_sockets_diag.h and net/tcp_states.h.
const (
	sockDiagByFamily = 20
	stateListen      = 10
	requestBytes     = 28
	messageBytes     = 36
	// maxListeners bounds what is read; a node has a handful.
	maxListeners = 1024
)

// Listeners lists the ports on which the kernel's own processes wait for vsock
// connections, by netlink (sock_diag(7)). Asking makes a kernel load its module
// vsock_diag, so the caller sees first whether that is there.
func Listeners() ([]uint32, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, fmt.Errorf("ask the kernel for its vsock sockets: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	timeout := unix.Timeval{Sec: serveSeconds}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return nil, fmt.Errorf("bound the question for vsock sockets: %w", err)
	}
	if err := unix.Sendto(fd, request(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("ask the kernel for its vsock sockets: %w", err)
	}
	var ports []uint32
	buffer := make([]byte, 1<<16)
	for {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err != nil {
			return nil, fmt.Errorf("hear the kernel's vsock sockets: %w", err)
		}
		some, done, err := listening(buffer[:n])
		if err != nil {
			return nil, err
		}
		if ports = append(ports, some...); done || len(ports) > maxListeners {
			return ports, nil
		}
	}
}

// request asks for every listening socket of the family.
func request() []byte {
	message := make([]byte, unix.NLMSG_HDRLEN+requestBytes)
	binary.NativeEndian.PutUint32(message, uint32(len(message)))
	binary.NativeEndian.PutUint16(message[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	body := message[unix.NLMSG_HDRLEN:]
	body[0] = unix.AF_VSOCK
	binary.NativeEndian.PutUint32(body[4:], 1<<stateListen)
	return message
}

// errShort is an answer that ends too early.
var errShort = errors.New("the kernel's list of vsock sockets is cut off")

// listening reads the ports of an answer, and whether it was the last.
func listening(answer []byte) (ports []uint32, done bool, err error) {
	for len(answer) > 0 {
		if len(answer) < unix.NLMSG_HDRLEN {
			return nil, false, errShort
		}
		length, kind := int(binary.NativeEndian.Uint32(answer)), binary.NativeEndian.Uint16(answer[4:])
		if length < unix.NLMSG_HDRLEN || length > len(answer) {
			return nil, false, errShort
		}
		body := answer[unix.NLMSG_HDRLEN:length]
		switch kind {
		case unix.NLMSG_DONE:
			return ports, true, nil
		case unix.NLMSG_ERROR:
			if len(body) < 4 {
				return nil, false, errShort
			}
			return nil, false, fmt.Errorf("the kernel does not list its vsock sockets: %w", unix.Errno(-int32(binary.NativeEndian.Uint32(body))))
		case sockDiagByFamily:
			if len(body) < messageBytes {
				return nil, false, errShort
			}
			if body[0] == unix.AF_VSOCK && body[2] == stateListen {
				ports = append(ports, binary.NativeEndian.Uint32(body[8:]))
			}
		}
		answer = answer[min(len(answer), (length+3)&^3):]
	}
	return ports, false, nil
}
