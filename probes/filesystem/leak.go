package filesystem

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Leak executes the running binary anew, with the arguments argv (argv[0]
// included), in the situation of CVE-2024-21626: it holds the directory dir open
// without close-on-exec, and no mount of its own shows that directory any more.
// To that end dir is opened below a mounted volume, and the volume is detached
// in a mount namespace of this process alone, which takes CAP_SYS_ADMIN. Leak
// returns only if that fails.
func Leak(dir string, argv []string) error {
	table, err := mountTable(ownMountinfo)
	if err != nil {
		return fmt.Errorf("leak directory %s: read the mounts: %w", dir, err)
	}
	volume, ok := volumeOf(dir, table)
	if !ok {
		return fmt.Errorf("leak directory %s: it is not below a mounted volume, so hiding it is not possible", dir)
	}
	// The name is resolved in the new namespace; /proc/self/exe would lead to the
	// mount of the old one, another leak than the one that is meant.
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("leak directory %s: find the probe's binary: %w", dir, err)
	}
	// Namespaces belong to threads; the one that executes keeps its own.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("leak directory %s: make a mount namespace (needs CAP_SYS_ADMIN): %w", dir, err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("leak directory %s: make the mounts private: %w", dir, err)
	}
	// Opened only now, through the mount that is about to be detached: one opened
	// before would lead up through the old namespace's mounts, which stay, to the
	// container's own root.
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("leak directory %s: open it: %w", dir, err)
	}
	if err := unix.Unmount(volume, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leak directory %s: detach %s: %w", dir, volume, err)
	}
	err = unix.Exec(binary, argv, os.Environ())
	runtime.KeepAlive(fd)
	return fmt.Errorf("leak directory %s: execute the probe anew: %w", dir, err)
}

// volumeOf returns the outermost mount point other than the root on the way to
// dir. All that is mounted below it is detached with it.
func volumeOf(dir string, table []*mountinfo.Info) (string, bool) {
	volume := ""
	for _, m := range table {
		below := dir == m.Mountpoint || strings.HasPrefix(dir, m.Mountpoint+"/")
		if below && m.Mountpoint != "/" && (volume == "" || len(m.Mountpoint) < len(volume)) {
			volume = m.Mountpoint
		}
	}
	return volume, volume != ""
}
