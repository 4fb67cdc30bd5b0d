// Command pause is the first process of a pod's sandbox: it holds the pod's
// namespaces open, collects processes that lost their parent (it is their
// parent where the pod shares one PID namespace), and ends on SIGTERM or SIGINT.
package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	wait(signals)
}

// wait returns when told to stop. It collects before the first signal too, for
// the children that ended before anything listened.
func wait(signals <-chan os.Signal) {
	for {
		collect()
		if s := <-signals; s != syscall.SIGCHLD {
			return
		}
	}
}

// collect takes every child that has ended: one signal may stand for several.
func collect() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if pid <= 0 && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
