package main

import (
	"errors"
	"io"
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
func startPause(t *testing.T, release func() error) <-chan int {
	t.Helper()
	caught := make(chan os.Signal, 64)
	signal.Notify(caught, unix.SIGTERM, unix.SIGINT)
	t.Cleanup(func() { signal.Stop(caught) })
	code := make(chan int, 1)
	go func() { code <- pause(nil, io.Discard, release) }()
	return code
}

// stopPause sends the signal until pause has returned: it may come before pause
// listens.
func stopPause(t *testing.T, s unix.Signal, code <-chan int) int {
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
			return got
		case <-again.C:
		case <-deadline:
			t.Fatalf("pause did not end within %s of %s", pauseTimeout, s)
		}
	}
}

// TestPauseReleasesAndEnds holds that pause lets go of what is planted before it
// ends, and does not hide that this failed.
func TestPauseReleasesAndEnds(t *testing.T) {
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		for want, failure := range map[int]error{exitOK: nil, exitFailed: errors.New("still there")} {
			released := 0
			code := startPause(t, func() error { released++; return failure })
			if got := stopPause(t, s, code); got != want || released != 1 {
				t.Errorf("%s: exit code %d, want %d; released %d times", s, got, want, released)
			}
		}
	}
}

// TestPauseReaps holds that a child that ended does not stay as a zombie.
func TestPauseReaps(t *testing.T) {
	code := startPause(t, func() error { return nil })
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
	if got := stopPause(t, unix.SIGTERM, code); got != exitOK {
		t.Errorf("exit code %d", got)
	}
}
