// Package special makes device nodes for an instant, to ask what becomes of
// opening them.
package special

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
)

// folders are where a node may be made, in the order of trying. A container's
// /dev is a tmpfs of its own kernel, so that nothing appears on the node; its
// scratch volume is a folder of the node, and serves where /dev is read-only.
func folders() []string { return []string{"/dev", probes.ScratchDir} }

// With makes a device node (mode is unix.S_IFCHR or unix.S_IFBLK), calls use with
// its path, and removes it at once. The error says why no node could be made, or
// is that of use.
func With(mode uint32, major, minor uint32, use func(path string) error) error {
	return in(folders(), mode, unix.Mkdev(major, minor), use)
}

func in(places []string, mode uint32, device uint64, use func(path string) error) error {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	var failures error
	for _, folder := range places {
		path := filepath.Join(folder, "katacert-"+hex.EncodeToString(random[:]))
		if err := unix.Mknod(path, mode|0o600, int(device)); err != nil {
			failures = errors.Join(failures, fmt.Errorf("make a device node in %s: %w", folder, err))
			continue
		}
		err := use(path)
		if gone := unix.Unlink(path); gone != nil {
			err = errors.Join(err, fmt.Errorf("remove the device node %s: %w", path, gone))
		}
		return err
	}
	return failures
}

// Open opens a device node for reading and closes it again. Without O_NONBLOCK
// some devices wait.
func Open(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", filepath.Dir(path), err)
	}
	return unix.Close(fd)
}
