package filesystem

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// maxDescriptors bounds how many descriptors are looked at, and without procfs
// how far they are counted.
const maxDescriptors = 1024

// descriptors reports what the probe was started with that leads out of its own
// root: open files and directories, the working directory and the executable
// (CVE-2024-21626, CVE-2019-5736). Only what was inherited lacks the
// close-on-exec flag; the probe and the Go runtime set it on all of theirs.
func descriptors(*probes.Context) evidence.Observation {
	table, _ := mountTable(ownMountinfo)
	var (
		outside []string
		checked int64
	)
	note := func(name, link string, fd int) {
		checked++
		if leadsOutside(fd, link, table) {
			outside = append(outside, name+" -> "+cmp.Or(link, "(unknown)"))
		}
	}
	for _, fd := range inherited() {
		link := readLink("/proc/self/fd/" + strconv.Itoa(fd))
		if !isStream(fd, link) {
			note(fmt.Sprintf("fd %d", fd), link, fd)
		}
	}
	for _, special := range []struct{ name, path, link string }{
		{"cwd", ".", "/proc/self/cwd"},
		{"exe", "/proc/self/exe", "/proc/self/exe"},
	} {
		fd, err := unix.Open(special.path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		note(special.name, readLink(special.link), fd)
		_ = unix.Close(fd)
	}
	return probes.Seen(evidence.Values{"outside": evidence.List(outside...), "checked": evidence.Number(checked)})
}

// inherited lists the open descriptors that lack the close-on-exec flag.
func inherited() []int {
	var fds []int
	entries, err := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil {
			fds = append(fds, fd)
		}
	}
	if err != nil {
		for fd := range maxDescriptors {
			fds = append(fds, fd)
		}
	}
	fds = slices.DeleteFunc(fds, func(fd int) bool {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		return err != nil || flags&unix.FD_CLOEXEC != 0
	})
	return fds[:min(len(fds), maxDescriptors)]
}

// isStream says whether a descriptor leads nowhere in a file system: pipes,
// sockets, what has no name at all, /dev/null, and for the standard streams a
// terminal or whatever else the kernel gives no path (gVisor calls them
// "host:[1]": the runtime hands these three in on purpose).
func isStream(fd int, link string) bool {
	standard := fd <= 2
	if standard && link != "" && !strings.HasPrefix(link, "/") {
		return true
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err == nil {
		switch uint32(fs.Type) {
		case unix.PIPEFS_MAGIC, unix.SOCKFS_MAGIC, unix.ANON_INODE_FS_MAGIC:
			return true
		}
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return true
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		return true
	case unix.S_IFIFO:
		return standard
	case unix.S_IFCHR:
		if stat.Rdev == unix.Mkdev(1, 3) {
			return true
		}
		_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		return standard && err == nil
	}
	return false
}

func readLink(path string) string {
	link, err := os.Readlink(path)
	if err != nil {
		return ""
	}
	return link
}

// leadsOutside decides for a directory by walking up: inside, that ends at the
// process's own root. For files, and directories that cannot be left upwards,
// it decides by whether any mount of the container is the one that the
// descriptor was opened through, and where the kernel does not tell that, by
// whether the name that it gives leads to the same file.
func leadsOutside(fd int, link string, table []*mountinfo.Info) bool {
	if root, err := climb(fd); err == nil {
		own, _, err := identify("/")
		return err == nil && root != own
	}
	if strings.HasPrefix(link, "/memfd:") {
		return false
	}
	if id, err := mountID(fd); err == nil && len(table) > 0 {
		return !slices.ContainsFunc(table, func(m *mountinfo.Info) bool { return uint64(m.ID) == id })
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || !strings.HasPrefix(link, "/") {
		return false
	}
	named, _, err := identify(link)
	if errors.Is(err, unix.ENOENT) && strings.HasSuffix(link, " (deleted)") {
		return false
	}
	return err != nil || named != identity{stat.Dev, stat.Ino}
}

// maxClimb bounds the way up; paths have at most 4096 bytes.
const maxClimb = 2048

// climb walks up from a directory to where ".." leads nowhere else, and returns
// what is there. It fails for all but directories.
func climb(fd int) (identity, error) {
	at, err := unix.Openat(fd, ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return identity{}, err
	}
	defer func() { _ = unix.Close(at) }()
	type place struct {
		identity
		// mount tells a directory from the same one mounted below itself.
		mount uint64
	}
	var last place
	for range maxClimb {
		var stat unix.Stat_t
		if err := unix.Fstat(at, &stat); err != nil {
			return identity{}, err
		}
		here := place{identity: identity{stat.Dev, stat.Ino}}
		here.mount, _ = mountID(at)
		if here == last {
			return here.identity, nil
		}
		last = here
		up, err := unix.Openat(at, "..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return identity{}, err
		}
		_ = unix.Close(at)
		at = up
	}
	return identity{}, fmt.Errorf("no root within %d steps", maxClimb)
}

// mountID returns the id, as in mountinfo, of the mount through which a
// descriptor was opened.
func mountID(fd int) (uint64, error) {
	var stat unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &stat)
	if err == nil && stat.Mask&unix.STATX_MNT_ID != 0 {
		return stat.Mnt_id, nil
	}
	// Before Linux 5.8 procfs alone tells.
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		return 0, err
	}
	return parseMountID(string(info))
}

func parseMountID(fdinfo string) (uint64, error) {
	for line := range strings.Lines(fdinfo) {
		if value, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			return strconv.ParseUint(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, errors.New("fdinfo names no mount")
}
