package plant

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/arp"
	"github.com/katacert/katacert/probes/internal/listener"
)

const plantRawFrame = "raw-frame"

// frameBytes bounds what is read of a frame.
const frameBytes = 256

// putRawFrame listens for ARP on every interface of the node and notes who signed
// an announcement. A socket for one protocol gets what has passed the filters of
// the pod's port (tc, XDP) and the bridge; one for all protocols would get it
// before.
func putRawFrame(s *site, r *report) {
	record := &listener.Record{}
	err := watchAnnouncements(record)
	if err == nil {
		err = tellRecord(s, plantRawFrame, record)
	}
	if err != nil {
		r.failed(plantRawFrame, err)
		return
	}
	r.planted(plantRawFrame, "on every interface")
}

func watchAnnouncements(record *listener.Record) error {
	var order [2]byte
	binary.BigEndian.PutUint16(order[:], unix.ETH_P_ARP)
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(binary.NativeEndian.Uint16(order[:])))
	if err != nil {
		return fmt.Errorf("listen for ARP: %w", err)
	}
	// The socket and its goroutine end with the holder.
	go func() {
		packet := make([]byte, frameBytes)
		for {
			n, _, err := unix.Recvfrom(socket, packet, 0)
			if err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ENETDOWN) {
				return
			}
			if nonce, ok := arp.Signed(packet[:max(n, 0)]); err == nil && ok {
				record.Add(nonce)
			}
		}
	}()
	return nil
}

func findRawFrame(s *site) []string { return recorded(s, plantRawFrame) }

func touchedRawFrame(s *site) ([]string, error) { return askRecord(s, plantRawFrame) }
