package main

import (
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// pause waits for SIGTERM or SIGINT. As a pod's first process it is also the
// parent of every process that lost its own, and must collect them. What the
// witness holds on the node is released before it ends: the container runtime
// kills everything else right after.
func pause(args []string, stderr io.Writer, release func() error) int {
	if len(args) != 0 {
		return complain(stderr, exitUsage, "probe pause: unexpected argument %q", args[0])
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGCHLD)
	for s := range signals {
		if s == unix.SIGCHLD {
			reap()
			continue
		}
		if err := release(); err != nil {
			return complain(stderr, exitFailed, "probe pause: take back what is planted on the node: %v", err)
		}
		return exitOK
	}
	return exitOK
}

// reap collects every child that has ended; one signal may stand for several.
func reap() {
	for {
		if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 && err != unix.EINTR {
			return
		}
	}
}
