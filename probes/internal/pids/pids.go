// Package pids lists the processes that procfs shows.
package pids

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const batch = 256

// List returns the ids of the processes below /proc, at most limit of them, and
// whether there were more. It fails when /proc cannot be listed.
func List(limit int) (ids []int, truncated bool, err error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = proc.Close() }()
	for {
		names, err := proc.Readdirnames(batch)
		for _, name := range names {
			id, err := strconv.Atoi(name)
			if err != nil || id <= 0 {
				continue
			}
			if len(ids) == limit {
				return ids, true, nil
			}
			ids = append(ids, id)
		}
		if errors.Is(err, io.EOF) {
			return ids, false, nil
		}
		if err != nil {
			return ids, false, err
		}
	}
}

// Path returns the path of a process's file in procfs.
func Path(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}

// Words returns the NUL-separated words of a process's cmdline or environ, of
// which it reads the first limit bytes.
func Words(pid int, name string, limit int) ([]string, error) {
	fd, err := unix.Open(Path(pid, name), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }()
	buffer := make([]byte, limit)
	n := 0
	for n < limit {
		m, err := unix.Read(fd, buffer[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	var words []string
	for word := range bytes.SplitSeq(buffer[:n], []byte{0}) {
		if len(word) > 0 {
			words = append(words, string(word))
		}
	}
	return words, nil
}
