package process

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/place"
)

// Actions of syslog(2), from include/linux/syslog.h.
const (
	syslogReadAll    = 3
	syslogSizeBuffer = 10
)

const (
	// maxLogBytes bounds what is read by syslog(2), which gives the newest part.
	maxLogBytes = 1 << 20
	// maxRecords and maxRecordBytes (CONSOLE_EXT_LOG_MAX of the kernel) bound
	// the reading of /dev/kmsg, which begins with the oldest record.
	maxRecords     = 32768
	maxRecordBytes = 8192
	// readLogWithin bounds both.
	readLogWithin = time.Second
)

// heard is what one way of reading the kernel's log brought.
type heard struct {
	found bool
	lines int64
	err   error
}

// kernelLog looks for the planted line in the kernel's log.
func kernelLog(ctx *probes.Context) evidence.Observation {
	if ctx.Seek[probes.TokenKmsg] == "" {
		return untold(probes.TokenKmsg)
	}
	var (
		found    []string
		lines    int64
		failures []error
		ways     = []struct {
			name string
			read func(*probes.Context) heard
		}{{"syslog", readSyslog}, {"/dev/kmsg", readKmsg}}
	)
	limit := ctx.Scaled(readLogWithin)
	for _, way := range ways {
		h, ended := bounded.Within(limit, func() heard { return way.read(ctx) })
		if !ended {
			h.err = fmt.Errorf("read the kernel log by %s: no end within %v", way.name, limit)
		}
		if h.err != nil {
			failures = append(failures, h.err)
		}
		if h.found {
			found = append(found, way.name)
		}
		lines = max(lines, h.lines)
	}
	if len(found) == 0 {
		if o := undecided(failures); o != nil {
			return *o
		}
	}
	if len(failures) == len(ways) {
		return refused(failures)
	}
	return probes.Seen(evidence.Values{"found": evidence.List(found...), "lines": evidence.Number(lines)})
}

// undecided is the failure of a way that was neither refused nor missing: it ended
// for another reason, for its time for one, and what it would have found is not
// known. It is nil where there is none.
func undecided(failures []error) *evidence.Observation {
	for _, err := range failures {
		if err == nil {
			continue
		}
		if o := probes.Unreadable(err); o.State == evidence.Failed {
			return &o
		}
	}
	return nil
}

// refused reports a refusal, if any of the errors is one: that the other way
// does not exist says less.
func refused(failures []error) evidence.Observation {
	for _, err := range failures {
		if o := probes.Unreadable(err); o.State == evidence.Denied {
			return o
		}
	}
	return probes.Unreadable(errors.Join(failures...))
}

func readSyslog(ctx *probes.Context) heard {
	size, err := unix.Klogctl(syslogSizeBuffer, nil)
	if err != nil {
		return heard{err: fmt.Errorf("ask syslog(2) for the size of the kernel log: %w", err)}
	}
	buffer := make([]byte, min(max(size, 0), maxLogBytes))
	n, err := unix.Klogctl(syslogReadAll, buffer)
	if err != nil {
		return heard{err: fmt.Errorf("read the kernel log by syslog(2): %w", err)}
	}
	log := buffer[:n]
	return heard{found: mentions(ctx, log), lines: int64(bytes.Count(log, []byte("\n")))}
}

func readKmsg(ctx *probes.Context) heard {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return heard{err: fmt.Errorf("open /dev/kmsg: %w", err)}
	}
	defer func() { _ = unix.Close(fd) }()
	var h heard
	record := make([]byte, maxRecordBytes)
	for range maxRecords {
		n, err := unix.Read(fd, record)
		switch {
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.EINTR):
			// EPIPE: records were overwritten, reading goes on with the next.
			continue
		case errors.Is(err, unix.EAGAIN):
			return h
		case err != nil:
			h.err = fmt.Errorf("read /dev/kmsg: %w", err)
			return h
		case n == 0:
			// An empty file in the place of the device.
			return h
		}
		h.lines++
		h.found = h.found || mentions(ctx, record[:n])
	}
	h.err = fmt.Errorf("read /dev/kmsg: it has more than %d records", maxRecords)
	return h
}

// mentions says whether the token stands anywhere in the text.
func mentions(ctx *probes.Context, text []byte) bool {
	for {
		_, after, ok := bytes.Cut(text, []byte(place.KmsgMark))
		if !ok {
			return false
		}
		if len(after) >= place.TokenBytes && ctx.Find(probes.TokenKmsg, string(after[:place.TokenBytes])) {
			return true
		}
		text = after
	}
}
