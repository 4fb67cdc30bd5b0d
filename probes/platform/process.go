package platform

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// process is one process of the node.
type process struct {
	pid int
	// dir is its folder in procfs.
	dir string
	// exe is the base name of its executable, also when that was replaced.
	exe string
}

// contained says whether the process runs in a PID namespace below that of this
// procfs, as those of containers do (NSpid of proc_pid_status(5)). A container of
// a pod may call its programs what it likes and put any bundle beside them; the
// node's own runtime runs in the node's namespace.
func (p process) contained() bool {
	status, err := kernfs.Read(filepath.Join(p.dir, "status"))
	if err != nil {
		return false // it ended meanwhile
	}
	for line := range strings.Lines(string(status)) {
		if pids, ok := strings.CutPrefix(line, "NSpid:"); ok {
			return len(strings.Fields(pids)) > 1
		}
	}
	return false
}

// ended says whether the process is gone, or is only waited for: its executable
// cannot be read any more.
func (p process) ended() bool {
	_, err := os.Readlink(filepath.Join(p.dir, "exe"))
	return err != nil
}

// maxProcesses bounds how many processes are looked at.
const maxProcesses = 20000

// processes lists the processes whose executable can be read, which leaves out
// kernel threads and what ended meanwhile, and whether the list was cut short.
func processes(root string) (found []process, truncated bool, err error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, false, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if len(found) == maxProcesses {
			return found, true, nil
		}
		dir := filepath.Join(root, entry.Name())
		target, err := os.Readlink(filepath.Join(dir, "exe"))
		if err != nil {
			continue
		}
		exe := filepath.Base(strings.TrimSuffix(target, " (deleted)"))
		// Readings are "key=value" pairs divided by white space.
		found = append(found, process{pid: pid, dir: dir, exe: word(exe)})
	}
	return found, false, nil
}
