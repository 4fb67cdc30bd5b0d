package plant

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/place"
)

const (
	// kmsgRecord is the longest record that the kernel's log gives out
	// (CONSOLE_EXT_LOG_MAX).
	kmsgRecord = 8192
	// kmsgRecords bounds how many records are read in search of our own.
	kmsgRecords = 1024
)

// putKmsg writes one line into the node's kernel log and reads it back: with
// the kernel parameter printk.devkmsg=off the kernel takes what is written and
// drops it. A line of the log cannot be taken back; it names no secret of use
// to anyone and leaves the log as the log fills.
func putKmsg(s *site, r *report) {
	line := place.KmsgMark + s.token(probes.TokenKmsg)
	if err := logLine(s, line); err != nil {
		r.failed("kmsg", err)
		return
	}
	r.planted("kmsg", "one line of run %s", s.run)
}

func logLine(s *site, line string) error {
	fd, err := openDevice(s, "kmsg", unix.O_RDWR|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	// Reading is to begin after what was logged before.
	if _, err := unix.Seek(fd, 0, unix.SEEK_END); err != nil {
		return fmt.Errorf("seek to the end of the kernel log: %w", err)
	}
	if _, err := unix.Write(fd, []byte("<6>katacert: run "+s.run+" "+line+"\n")); err != nil {
		return fmt.Errorf("write to the kernel log: %w", err)
	}
	record := make([]byte, kmsgRecord)
	for range kmsgRecords {
		n, err := unix.Read(fd, record)
		switch {
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.EINTR):
			// EPIPE: records were overwritten, reading goes on with the next.
		case errors.Is(err, unix.EAGAIN):
			return errors.New("the kernel log took the line and does not show it: is printk.devkmsg off?")
		case err != nil:
			return fmt.Errorf("read back from the kernel log: %w", err)
		case bytes.Contains(record[:n], []byte(line)):
			return nil
		}
	}
	return fmt.Errorf("the line is not among the next %d of the kernel log", kmsgRecords)
}
