package filesystem

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/place"
)

// Bounds of a walk. Each of them ends it, and the evidence says so.
const (
	walkEntries = 20000
	// walkPerDir bounds one directory, so that a full one does not use up what
	// is meant for the others.
	walkPerDir = 4096
	walkCPU    = 250 * time.Millisecond
	// On a busy node a gVisor pod takes ten times as long, by either clock.
	walkWithin = 5 * time.Second
	// walkGrace is how long a single call may take beyond that before the file
	// system is given up.
	walkGrace = time.Second
	walkFound = 64
	// walkBatch is how many entries of a directory are read at once.
	walkBatch = 128
)

// wellKnown are looked at first below every root: where the witness plants, as
// seen below the node's root, and below a mount of the node's /var.
func wellKnown() []string {
	return []string{"var/lib", "run", "var/log", "tmp", "lib", "log"}
}

// walk is a search by breadth through directories for files of a token's length
// whose content matches. Its results can be read while it is under way.
type walk struct {
	// match says what to report of a file's content, and whether it was sought.
	match func(content, path string) (found string, ok bool)
	// first are further directories to look into before all others.
	first []string
	// missed says that there are places where plants lie that no bound leaves room
	// for.
	missed bool
	// entries bounds how many directory entries are looked at, within the time, and
	// withinCPU the CPU time once all places where plants lie have been seen.
	entries           int64
	within, withinCPU time.Duration

	mu     sync.Mutex
	so     walkResult
	queue  []step
	seen   map[identity]bool
	cpu    int64 // when the CPU time began to count; negative before
	ending time.Time
}

type walkResult struct {
	found                 []string
	files, entries, roots int64
	truncated             bool
	// first counts the further directories that were to be looked into.
	first int64
	// searched says that all places where plants lie were looked into, and each
	// wholly. Having found nothing says nothing before.
	searched bool
}

// step is a directory to be read. Level counts from the root; dev is the
// device of the directory it was found in. Place marks the folders in which
// plants lie, and those directly below.
type step struct {
	path  string
	level int
	dev   uint64
	place bool
	// changed is when a folder below a place was last changed, in nanoseconds.
	changed int64
}

func newWalk(match func(content, path string) (string, bool)) *walk {
	return &walk{match: match, entries: walkEntries, within: walkWithin, withinCPU: walkCPU, seen: map[identity]bool{}}
}

// values are the readings of a walk; ended says whether it ended by itself.
func (r walkResult) values(ended bool) evidence.Values {
	values := evidence.Values{
		"found":   evidence.List(r.found...),
		"files":   evidence.Number(r.files),
		"entries": evidence.Number(r.entries),
		"roots":   evidence.Number(r.roots),
	}
	if r.truncated || !ended {
		values["truncated"] = evidence.Number(1)
	}
	if !r.searched {
		values["unsearched"] = evidence.Number(1)
	}
	return values
}

func (w *walk) result() walkResult {
	w.mu.Lock()
	defer w.mu.Unlock()
	so := w.so
	so.found = append([]string{}, so.found...)
	return so
}

// from walks from the given roots until everything was seen or a bound is
// reached. Once the well-known places and what lies directly below have been
// seen, a find is enough.
func (w *walk) from(r *roots) {
	w.cpu, w.ending = -1, time.Now().Add(w.within)
	w.missed = w.missed || r.truncated
	w.update(func(so *walkResult) {
		so.roots, so.first, so.truncated = int64(len(r.paths)), int64(len(w.first)), w.missed
	})
	for _, path := range w.first {
		w.queue = append(w.queue, step{path: path, place: true})
	}
	for _, root := range r.paths {
		for _, known := range wellKnown() {
			w.queue = append(w.queue, step{path: path.Join(root, known), place: true})
		}
	}
	for _, root := range r.paths {
		w.queue = append(w.queue, step{path: root})
	}
	sorted := false
	for len(w.queue) > 0 {
		if !sorted && w.queue[0].level > 0 {
			sorted = true
			newestFirst(w.queue)
		}
		next := w.queue[0]
		w.queue = w.queue[1:]
		if next.level > 1 && len(w.so.found) > 0 {
			return
		}
		if w.cpu < 0 && next.level > 0 && !next.place {
			w.cpu = cpuNanos()
			w.update(func(so *walkResult) { so.searched = !w.missed })
		}
		if !w.visit(next) {
			w.update(func(so *walkResult) { so.truncated = true })
			return
		}
	}
	w.update(func(so *walkResult) { so.searched = !w.missed })
}

// newestFirst orders the folders below places, which head a queue. What was
// planted for this run is younger than whatever a node's places have gathered
// over the years, and has to be come to before that has used up a bound.
func newestFirst(queue []step) {
	below := slices.IndexFunc(queue, func(s step) bool { return !s.place })
	if below < 0 {
		below = len(queue)
	}
	slices.SortStableFunc(queue[:below], func(a, b step) int { return cmp.Compare(b.changed, a.changed) })
}

func (w *walk) update(change func(*walkResult)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.so)
}

// visit reads one directory; it returns false when a bound of the walk was
// reached. What cannot be opened is passed over: it cannot be read either.
func (w *walk) visit(s step) bool {
	flags := os.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY
	if s.level == 0 {
		// Roots may be links of procfs, and /var/run and the like are links.
		flags &^= unix.O_NOFOLLOW
	}
	var stat unix.Stat_t
	if err := unix.Fstatat(unix.AT_FDCWD, s.path, &stat, unix.AT_NO_AUTOMOUNT); err != nil {
		return w.mayGoOn()
	}
	if stat.Mode&unix.S_IFMT == unix.S_IFREG {
		w.check(unix.AT_FDCWD, s.path, s.path)
		return w.mayGoOn()
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		return w.mayGoOn()
	}
	dir, err := os.OpenFile(s.path, flags|unix.O_DIRECTORY, 0)
	if err != nil {
		return w.mayGoOn()
	}
	defer func() { _ = dir.Close() }()
	if err := unix.Fstat(int(dir.Fd()), &stat); err != nil {
		return w.mayGoOn()
	}
	id := identity{stat.Dev, stat.Ino}
	if w.seen[id] || (stat.Dev != s.dev && isPseudo(int(dir.Fd()))) {
		return w.mayGoOn()
	}
	w.seen[id] = true
	return w.list(dir, step{path: s.path, level: s.level + 1, dev: stat.Dev, place: s.place && s.level == 0}, s.place)
}

// list looks at the entries of a directory, which may be a place where plants lie;
// below describes its directories.
func (w *walk) list(dir *os.File, below step, place bool) bool {
	for read := 0; ; {
		entries, err := dir.ReadDir(walkBatch)
		for _, entry := range entries {
			w.update(func(so *walkResult) { so.entries++ })
			name := path.Join(below.path, entry.Name())
			switch entry.Type() {
			case fs.ModeDir:
				next := step{path: name, level: below.level, dev: below.dev, place: below.place}
				if next.place {
					next.changed = changedAt(int(dir.Fd()), entry.Name())
				}
				w.queue = append(w.queue, next)
			case 0:
				w.check(int(dir.Fd()), entry.Name(), name)
			}
		}
		if !w.mayGoOn() {
			return false
		}
		if err != nil {
			// The end, or a directory that cannot be read on.
			return true
		}
		if read += len(entries); read >= walkPerDir {
			w.missed = w.missed || place
			w.update(func(so *walkResult) { so.truncated = true })
			return true
		}
	}
}

// changedAt is when a file was last changed, in nanoseconds; zero for one that is
// not there any more.
func changedAt(dir int, name string) int64 {
	var stat unix.Stat_t
	if err := unix.Fstatat(dir, name, &stat, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT); err != nil {
		return 0
	}
	return stat.Ctim.Nano()
}

// check reads a regular file of a token's length.
func (w *walk) check(dir int, name, shown string) {
	var stat unix.Stat_t
	if err := unix.Fstatat(dir, name, &stat, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT); err != nil || !isCandidate(&stat) {
		return
	}
	content, err := readCandidate(dir, name)
	if err != nil {
		return
	}
	found, matches := w.match(content, shown)
	w.update(func(so *walkResult) {
		so.files++
		if matches && len(so.found) < walkFound {
			so.found = append(so.found, found)
		}
	})
}

func isCandidate(stat *unix.Stat_t) bool {
	return stat.Mode&unix.S_IFMT == unix.S_IFREG && stat.Size == place.TokenBytes
}

// readCandidate looks again at what it opened: a file that has become something
// else meanwhile is not read.
func readCandidate(dir int, name string) (string, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	file := os.NewFile(uintptr(fd), name)
	defer func() { _ = file.Close() }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return "", err
	}
	if !isCandidate(&stat) {
		return "", errors.New("no longer a file of a token's length")
	}
	content := make([]byte, place.TokenBytes)
	_, err = io.ReadFull(file, content)
	return string(content), err
}

// mayGoOn says whether all bounds still hold.
func (w *walk) mayGoOn() bool {
	return w.so.entries < w.entries && time.Now().Before(w.ending) && (w.cpu < 0 || cpuNanos()-w.cpu < w.withinCPU.Nanoseconds())
}

func cpuNanos() int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// isPseudo says whether a directory is of one of the file systems that are not
// walked, by their numbers of include/uapi/linux/magic.h.
func isPseudo(fd int) bool {
	var stat unix.Statfs_t
	if err := unix.Fstatfs(fd, &stat); err != nil {
		return false
	}
	switch uint32(stat.Type) {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC,
		unix.DEVPTS_SUPER_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC, unix.BPF_FS_MAGIC, unix.SECURITYFS_MAGIC,
		unix.PSTOREFS_MAGIC, unix.EFIVARFS_MAGIC, unix.BINFMTFS_MAGIC, unix.SELINUX_MAGIC, unix.SMACK_MAGIC,
		unix.AUTOFS_SUPER_MAGIC, unix.RDTGROUP_SUPER_MAGIC, unix.NSFS_MAGIC:
		return true
	}
	return false
}
