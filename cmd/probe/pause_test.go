package main

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pauseTimeout bounds how long pause may take to react.
const pauseTimeout = 10 * time.Second

// startPause runs pause in this process. The signals that would end the process
// before pause handles them are caught here too.
func startPause(t *testing.T) <-chan int {
	t.Helper()
	caught := make(chan os.Signal, 64)
	signal.Notify(caught, unix.SIGTERM, unix.SIGINT)
	t.Cleanup(func() { signal.Stop(caught) })
	code := make(chan int, 1)
	go func() { code <- pause(nil, os.Stderr) }()
	return code
}

// stopPause sends the signal until pause has returned: it may come before pause
// listens.
func stopPause(t *testing.T, s unix.Signal, code <-chan int) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(pauseTimeout)
	for {
		if err := unix.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-code:
			if got != exitOK {
				t.Errorf("pause ended with exit code %d after %s", got, s)
			}
			return
		case <-again.C:
		case <-deadline:
			t.Fatalf("pause did not end within %s of %s", pauseTimeout, s)
		}
	}
}

func TestPauseEndsOnSignal(t *testing.T) {
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		stopPause(t, s, startPause(t))
	}
}

// TestPauseReaps holds that a child that ended does not stay as a zombie.
func TestPauseReaps(t *testing.T) {
	code := startPause(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(pauseTimeout)
	var children []int
	collected := func(pid int) bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) }
	// A child that ends before pause listens is collected with a later one.
	for !slices.ContainsFunc(children, collected) {
		pid, err := syscall.ForkExec(self, []string{"probe", "version"}, &syscall.ProcAttr{Env: []string{envCommand + "=1"}})
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, pid)
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("none of %d children was collected within %s", len(children), pauseTimeout)
		}
	}
	stopPause(t, unix.SIGTERM, code)
}
