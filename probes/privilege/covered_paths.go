package privilege

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// What runtimes cover in every container that is not privileged: the paths that
// runc, containerd and CRI-O name by default in maskedPaths and readonlyPaths
// (https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#masked-paths).
// They belong to the kernel and to none of its namespaces. /proc/interrupts is
// left out: only late versions cover it.
var (
	maskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
		"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readOnlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// maxWriteTries bounds how many files below a path are tried for writing.
const maxWriteTries = 512

// coveredPaths tells which of these paths are open. Files are opened and neither
// read nor written.
func coveredPaths(*probes.Context) evidence.Observation {
	var open, shut []string
	for _, path := range maskedPaths {
		switch err := readable(path); {
		case err == nil:
			open = append(open, "read "+path)
		case !errors.Is(err, fs.ErrNotExist):
			shut = append(shut, "read "+path+": "+refusal(err))
		}
	}
	for _, path := range readOnlyPaths {
		switch found, err := writable(path); {
		case err == nil:
			open = append(open, "write "+found)
		case !errors.Is(err, fs.ErrNotExist):
			shut = append(shut, "write "+path+": "+refusal(err))
		}
	}
	if len(open)+len(shut) == 0 {
		return probes.Absent("none of the paths is there")
	}
	return probes.Seen(evidence.Values{"open": evidence.List(open...), "shut": evidence.List(shut...)})
}

// Reasons why a path is shut that are no error of the kernel's.
var (
	errMasked  = errors.New("masked")
	errNothing = errors.New("nothing-to-write")
)

// readable says why a path cannot be read, and nil if it can. A mask is an empty
// folder over a folder and /dev/null over a file.
func readable(path string) error {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return err
	}
	if kind := stat.Mode & unix.S_IFMT; kind != unix.S_IFDIR && kind != unix.S_IFREG {
		return errMasked
	}
	file, err := os.OpenFile(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if stat.Mode&unix.S_IFMT == unix.S_IFREG {
		return nil
	}
	if _, err := file.Readdirnames(1); err != nil {
		return errMasked // empty, or not to be listed
	}
	return nil
}

// writable returns the first file at or below a path that can be opened for
// writing, or why there is none. Root opens files too that nobody may write to,
// so only those count that their owner may write to.
func writable(path string) (string, error) {
	if err := unix.Access(path, unix.W_OK); err != nil && !errors.Is(err, unix.EACCES) {
		return "", err
	}
	found, refused, tries := "", errNothing, 0
	// The function below returns no error but SkipAll.
	_ = filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // a folder that cannot be listed is no file to write
		}
		if tries++; tries > maxWriteTries {
			return fs.SkipAll
		}
		if info, err := entry.Info(); err != nil || info.Mode()&0o200 == 0 {
			return nil
		}
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if err != nil {
			refused = err
			return nil
		}
		found = path
		_ = unix.Close(fd) // nothing was written
		return fs.SkipAll
	})
	if found != "" {
		return found, nil
	}
	return "", refused
}

// refusal names why a path is shut.
func refusal(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
