package plant

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/pids"
)

// waitContainer returns when the first process of this container has ended. In
// a container with a PID namespace of its own the kernel would kill the holder
// then; the witness shares the node's.
func waitContainer() {
	first, ok := firstProcess()
	if !ok {
		select {}
	}
	fd, err := unix.PidfdOpen(first, 0)
	if err != nil {
		select {}
	}
	defer func() { _ = unix.Close(fd) }()
	for {
		if ended, err := waitEnd(fd, timeToLive); ended || err != nil {
			return
		}
	}
}

// firstProcess finds the process that has been in our mount namespace for
// longest: the container's main process, by which its end is known.
func firstProcess() (pid int, ok bool) {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return 0, false
	}
	ids, _, err := pids.List(maxProcesses)
	if err != nil {
		return 0, false
	}
	var oldest uint64
	for _, id := range ids {
		namespace, err := os.Readlink(pids.Path(id, "ns/mnt"))
		if err != nil || namespace != own || id == os.Getpid() {
			continue
		}
		started, err := startTime(id)
		if err == nil && (!ok || started < oldest) {
			pid, oldest, ok = id, started, true
		}
	}
	return pid, ok
}

// startTime returns when a process started, in clock ticks since boot: field 22
// of /proc/PID/stat (proc_pid_stat(5)). The second field, the command's name,
// may hold spaces and brackets.
func startTime(pid int) (uint64, error) {
	stat, err := kernfs.Line(pids.Path(pid, "stat"))
	if err != nil {
		return 0, err
	}
	return parseStartTime(stat)
}

func parseStartTime(stat string) (uint64, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(fields[19], 10, 64)
}
