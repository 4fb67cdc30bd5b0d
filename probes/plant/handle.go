package plant

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
)

// putHandle writes a file into the witness's own volume and gives its handle,
// by which open_by_handle_at(2) finds it on its file system without a path. The
// volume lies on the file system from which the kubelet mounts files and folders
// into every pod, so that everyone has a mount of it to try with.
func putHandle(s *site, r *report) {
	path := filepath.Join(s.planting, s.name())
	handle, err := plantHandle(path, s.token(probes.TokenHandle))
	if err != nil {
		r.failed("handle", err)
		return
	}
	r.give(probes.ParamHandle, fmt.Sprintf("%d:%x", handle.Type(), handle.Bytes()))
	r.planted("handle", "%s", path)
}

func plantHandle(path, token string) (unix.FileHandle, error) {
	if err := os.WriteFile(path, []byte(token), 0o644); err != nil {
		return unix.FileHandle{}, err
	}
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err == nil {
		err = opensByHandle(filepath.Dir(path), handle)
	}
	if err != nil {
		// EOPNOTSUPP: the file system gives no handles out, or takes none.
		return unix.FileHandle{}, errors.Join(fmt.Errorf("the file system of the kubelet's volumes and handles: %w", err), os.Remove(path))
	}
	return handle, nil
}

// opensByHandle makes sure that what is given out can be opened at all.
func opensByHandle(dir string, handle unix.FileHandle) error {
	mount, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(mount) }()
	fd, err := unix.OpenByHandleAt(mount, handle, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open by handle: %w", err)
	}
	return unix.Close(fd)
}

// findHandle looks in the caller's own volume: that of a witness which is gone
// went with its pod.
func findHandle(s *site) []string {
	var found []string
	entries, _ := os.ReadDir(s.planting)
	for _, entry := range entries {
		if s.owns(entry.Name()) {
			found = append(found, filepath.Join(s.planting, entry.Name()))
		}
	}
	return found
}

func removeHandle(s *site) error {
	var failures error
	for _, path := range findHandle(s) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = errors.Join(failures, err)
		}
	}
	return failures
}
