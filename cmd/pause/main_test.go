package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

const limit = 10 * time.Second

func TestWaitEndsOnSigterm(t *testing.T) {
	signals := make(chan os.Signal, 1)
	ended := make(chan struct{})
	go func() { wait(signals); close(ended) }()
	signals <- syscall.SIGTERM
	select {
	case <-ended:
	case <-time.After(limit):
		t.Fatal("still waiting after SIGTERM")
	}
}

func TestWaitCollectsChildren(t *testing.T) {
	children := make(chan os.Signal, 16)
	signal.Notify(children, syscall.SIGCHLD)
	defer signal.Stop(children)
	signals := make(chan os.Signal, 16)
	ended := make(chan struct{})
	go func() { wait(signals); close(ended) }()

	// Both end in a moment, and the kernel may tell of them with one signal.
	var pids []int
	for range 2 {
		child := exec.Command("/proc/self/exe", "-test.run=^$")
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, child.Process.Pid)
	}
	deadline := time.After(limit)
	for left(pids) > 0 {
		select {
		case s := <-children:
			signals <- s
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%d of %d children were not collected", left(pids), len(pids))
		}
	}
	signals <- syscall.SIGINT
	<-ended
}

// left counts the processes that still exist, as zombies or alive.
func left(pids []int) int {
	n := 0
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			n++
		}
	}
	return n
}
