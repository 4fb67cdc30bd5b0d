package platform

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is one process of the node.
type process struct {
	pid int
	// dir is its folder in procfs.
	dir string
	// exe is the base name of its executable, also when that was replaced.
	exe string
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
		// Readings are "key=value" pairs divided by spaces.
		found = append(found, process{pid: pid, dir: dir, exe: strings.ReplaceAll(exe, " ", "_")})
	}
	return found, false, nil
}
