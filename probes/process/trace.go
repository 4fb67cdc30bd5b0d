package process

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// detachWithin bounds the wait for a traced process to stop, which it must
	// before it can be let go.
	detachWithin = 200 * time.Millisecond
	detachEvery  = time.Millisecond
)

// traceable says whether the process can be attached to, and lets it go again.
// Everything happens on a thread that ends with it: should the process not stop
// in time, the kernel detaches it with the end of its tracer.
func traceable(pid int) bool {
	attached := make(chan bool)
	go func() {
		runtime.LockOSThread()
		ok := ptrace(unix.PTRACE_SEIZE, pid) == nil
		if ok {
			detach(pid)
		}
		attached <- ok
	}()
	return <-attached
}

func detach(pid int) {
	if ptrace(unix.PTRACE_INTERRUPT, pid) != nil {
		return
	}
	for deadline := time.Now().Add(detachWithin); time.Now().Before(deadline); {
		stopped, err := unix.Wait4(pid, nil, unix.WALL|unix.WNOHANG, nil)
		if stopped == pid || (err != nil && !errors.Is(err, unix.EINTR)) {
			break
		}
		<-time.After(detachEvery)
	}
	// Failure leaves it to the end of the thread.
	_ = ptrace(unix.PTRACE_DETACH, pid)
}

func ptrace(request, pid int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
