package filesystem

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/pids"
)

const (
	// maxRoots bounds the roots of a search, maxRootPids the processes whose
	// directories are tried.
	maxRoots    = 512
	maxRootPids = 2048
)

// identity tells files apart: device and inode number.
type identity struct{ dev, ino uint64 }

func identify(path string) (identity, uint32, error) {
	var stat unix.Stat_t
	if err := unix.Fstatat(unix.AT_FDCWD, path, &stat, unix.AT_NO_AUTOMOUNT); err != nil {
		return identity{}, 0, err
	}
	return identity{stat.Dev, stat.Ino}, stat.Mode & unix.S_IFMT, nil
}

// roots are the places from which files can be reached, without repetition.
type roots struct {
	paths     []string
	truncated bool
	known     map[identity]bool
}

// reachableRoots lists the container's root, its mount points, and the roots,
// working directories and open directories of processes as far as procfs lets
// them be entered. Without procfs it is the root alone.
func reachableRoots() *roots {
	r := &roots{known: map[identity]bool{}}
	r.add("/")
	table, _ := mountTable(ownMountinfo)
	for _, m := range table {
		if !pseudoTypes[m.FSType] {
			r.add(m.Mountpoint)
		}
	}
	r.addDescriptors()
	ids, truncated, _ := pids.List(maxRootPids)
	r.truncated = r.truncated || truncated
	for _, pid := range ids {
		r.add(pids.Path(pid, "root"))
		r.add(pids.Path(pid, "cwd"))
	}
	return r
}

// add takes directories, and files that are mount points, which bind mounts of
// single files are.
func (r *roots) add(path string) {
	id, kind, err := identify(path)
	if err != nil || (kind != unix.S_IFDIR && kind != unix.S_IFREG) || r.known[id] {
		return
	}
	if len(r.paths) == maxRoots {
		r.truncated = true
		return
	}
	r.known[id] = true
	r.paths = append(r.paths, path)
}

func (r *roots) addDescriptors() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := "/proc/self/fd/" + entry.Name()
		if _, kind, err := identify(path); err == nil && kind == unix.S_IFDIR {
			r.add(path)
		}
	}
}
