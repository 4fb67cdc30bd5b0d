package plant

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/pids"
)

// container stands for the container that the holder belongs to, by its first
// process. In a container with a PID namespace of its own the kernel would kill
// the holder when that one ends; the witness shares the node's.
type container struct{ pidfd int }

// ownContainer fails where procfs does not tell which process came first.
func ownContainer() (container, error) {
	first, ok := firstProcess()
	if !ok {
		return container{}, errors.New("no other process in this mount namespace")
	}
	fd, err := unix.PidfdOpen(first, 0)
	if err != nil {
		return container{}, fmt.Errorf("watch process %d: %w", first, err)
	}
	return container{pidfd: fd}, nil
}

// wait returns when the container's first process has ended.
func (c container) wait() {
	for {
		if ended, err := waitEnd(c.pidfd, timeToLive); ended || err != nil {
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
