package plant

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/place"
)

const (
	// self is the running binary, wherever its image put it.
	self = "/proc/self/exe"
	// processReadyWithin bounds, times the factor of time-outs, the wait for a
	// process that was started to be ready.
	processReadyWithin = 5 * time.Second
	// readyDescriptor is where the planted process says that it is ready: the
	// first one after standard error.
	readyDescriptor = 3
)

// putProcess starts a child of the holder with one token in its arguments and
// one in its environment. It dies with the holder's thread, which must be locked
// to its goroutine.
func putProcess(s *site, r *report) {
	pid, err := startProcess(s)
	if err != nil {
		r.failed("process", err)
		return
	}
	r.planted("process", "%d", pid)
}

func startProcess(s *site) (int, error) {
	ready, childEnd, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("make a pipe for the planted process: %w", err)
	}
	defer func() { _ = ready.Close() }()
	child := exec.Command(self, append(s.arguments(holdProcessCommand), s.scaled(timeToLive).String(), s.token(probes.TokenArgv))...)
	child.Env = []string{place.ProcessEnv + "=" + s.token(probes.TokenEnviron)}
	child.Dir = "/"
	child.ExtraFiles = []*os.File{childEnd}
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	err = child.Start()
	_ = childEnd.Close()
	if err != nil {
		return 0, fmt.Errorf("start the process to plant: %w", err)
	}
	limit := s.scaled(processReadyWithin)
	if err := ready.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return 0, fmt.Errorf("wait for the planted process: %w", err)
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		return 0, fmt.Errorf("the planted process %d was not ready within %v: %w", child.Process.Pid, limit, err)
	}
	return child.Process.Pid, nil
}

// HoldProcess is the planted process: it does nothing until it is killed, its
// parent dies, or the time to live is over. It gives up its capabilities and
// lets everyone trace it, so that a pod which shares the node's PID namespace
// and has nothing but the usual capabilities can do to it what it could do to
// any process of the node's users.
func HoldProcess(args []string) int {
	owner := len((&site{}).arguments("")) - 1 // without the command
	if len(args) != owner+2 {
		return exitUsage
	}
	lives, err := time.ParseDuration(args[owner])
	if err != nil {
		return exitUsage
	}
	if err := becomeTraceable(); err != nil {
		return exitFailed
	}
	ready := os.NewFile(readyDescriptor, "ready")
	if _, err := ready.Write([]byte{1}); err != nil {
		return exitFailed
	}
	_ = ready.Close()
	<-time.After(lives)
	return exitOK
}

func becomeTraceable() error {
	// ENOSYS or EINVAL: there is no Yama that would restrict tracers.
	_ = unix.Prctl(unix.PR_SET_PTRACER, unix.PR_SET_PTRACER_ANY, 0, 0, 0)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	// Capabilities belong to threads; procfs looks at the first one's. ENOTSUP:
	// a build with cgo, which the race detector needs and the product has not.
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0)
	if errno != 0 && errno != unix.ENOTSUP {
		return fmt.Errorf("give up capabilities: %w", errno)
	}
	return nil
}
