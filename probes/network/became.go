package network

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// became says in one word what became of a call: the name of the error number,
// "no-answer" where time ran out, "done" without an error.
func became(err error) string {
	var (
		errno   unix.Errno
		timeout net.Error
	)
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no-answer"
	default:
		return "failed"
	}
}
