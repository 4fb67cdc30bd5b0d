package network

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// became says in one word what became of a call: the name of the error number,
// "no-answer" where time ran out, "done" without an error.
func became(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "no-answer"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	default:
		return "failed"
	}
}
