package kernel

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

const (
	burnNanos  = 200e6
	burnMemory = 64 << 20
)

// burn uses a known amount of CPU time and memory at a known time, so that the
// witness can tell which virtual machine monitor on the node serves this pod.
func burn(*probes.Context) evidence.Observation {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	memory, err := unix.Mmap(-1, 0, burnMemory, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return probes.Unreadable(fmt.Errorf("map %d bytes: %w", burnMemory, err))
	}
	defer func() { _ = unix.Munmap(memory) }()
	// Every page gets its own content, or the node could merge them (KSM).
	page := os.Getpagesize()
	for offset := 0; offset+8 <= len(memory); offset += page {
		memory[offset] = 1
		memory[offset+1], memory[offset+2], memory[offset+3] = byte(offset>>12), byte(offset>>20), byte(offset>>28)
	}
	// Only what comes now counts: in a guest on a busy node a page fault takes as
	// long as it takes, and the guest takes the waiting for work of its own.
	start, err := clock(unix.CLOCK_THREAD_CPUTIME_ID)
	if err != nil {
		return probes.Unreadable(fmt.Errorf("read the thread's CPU time: %w", err))
	}
	used, mixed := int64(0), uint64(1)
	for used < burnNanos {
		for range 100_000 {
			mixed = mixed*6364136223846793005 + 1442695040888963407
		}
		now, err := clock(unix.CLOCK_THREAD_CPUTIME_ID)
		if err != nil {
			return probes.Unreadable(fmt.Errorf("read the thread's CPU time: %w", err))
		}
		used = now - start
	}
	memory[0] = byte(mixed >> 56)
	return probes.Seen(evidence.Values{
		"cpu_us":       evidence.Number(used / 1000),
		"memory_bytes": evidence.Number(burnMemory),
	})
}
