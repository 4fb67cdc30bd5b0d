package vsock

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// message is one message of an answer, laid out as linux/vm_sockets_diag.h says.
func message(kind uint16, body []byte) []byte {
	m := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(body))
	binary.NativeEndian.PutUint32(m, uint32(unix.NLMSG_HDRLEN+len(body)))
	binary.NativeEndian.PutUint16(m[4:], kind)
	return append(m, body...)
}

func socket(state byte, port uint32) []byte {
	body := make([]byte, messageBytes)
	body[0], body[1], body[2] = unix.AF_VSOCK, unix.SOCK_STREAM, state
	binary.NativeEndian.PutUint32(body[4:], unix.VMADDR_CID_ANY)
	binary.NativeEndian.PutUint32(body[8:], port)
	return message(sockDiagByFamily, body)
}

func TestListening(t *testing.T) {
	done := message(unix.NLMSG_DONE, make([]byte, 4))
	ports, last, err := listening(slices.Concat(socket(stateListen, 1024), socket(1, 5), socket(stateListen, 7777), done))
	if err != nil || !last || !slices.Equal(ports, []uint32{1024, 7777}) {
		t.Errorf("got %v, last %t, %v", ports, last, err)
	}
	if ports, last, err := listening(socket(stateListen, 9)); err != nil || last || !slices.Equal(ports, []uint32{9}) {
		t.Errorf("a part: %v, last %t, %v", ports, last, err)
	}
	refused := make([]byte, 4)
	binary.NativeEndian.PutUint32(refused, 0xfffffffe) // -ENOENT
	if _, _, err := listening(message(unix.NLMSG_ERROR, refused)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a refusal: %v", err)
	}
	for n := 1; n < len(socket(stateListen, 9)); n++ {
		if _, _, err := listening(socket(stateListen, 9)[:n]); !errors.Is(err, errShort) {
			t.Fatalf("%d bytes of an answer: %v", n, err)
		}
	}
}
