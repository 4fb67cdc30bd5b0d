package certification

import (
	"fmt"
	"os"
	"strings"
)

// annotationOwner names the process that a namespace of a run belongs to, so
// that a later run on the same machine can tell a dead run from a live one.
const annotationOwner = "katacert.dev/owner"

// process identifies a process beyond the reuse of its pid: by the boot of its
// machine with the PID namespace that counts it, and by its start, in clock ticks
// after boot (proc_pid_stat(5), field 22).
type process struct{ machine, pid, start string }

func (p process) String() string { return p.machine + "/" + p.pid + "/" + p.start }

func parseProcess(text string) (process, bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return process{}, false
	}
	return process{parts[0], parts[1], parts[2]}, true
}

func thisProcess() process {
	pid := fmt.Sprint(os.Getpid())
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return process{"", pid, startOf(pid)}
	}
	// Containers of one machine share its boot id and count processes apart.
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return process{"", pid, startOf(pid)}
	}
	return process{strings.TrimSpace(string(boot)) + "," + namespace, pid, startOf(pid)}
}

// dead says whether the process certainly does not run any more: it was of this
// boot of this machine and of this PID namespace, and there is no such process
// now. Of others nothing is known.
func (p process) dead() bool {
	return p.machine != "" && p.machine == thisProcess().machine && startOf(p.pid) != p.start
}

// startOf returns a process's start time, or nothing when it does not exist.
func startOf(pid string) string {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return ""
	}
	// The name in parentheses may hold anything; fields are counted behind it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const startTime = 22 - 3
	if len(fields) <= startTime {
		return ""
	}
	return fields[startTime]
}
