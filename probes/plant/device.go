package plant

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// openDevice opens a device node: the node's own, or the one of this container
// where the node's root shows no devices. Without O_NONBLOCK some wait.
func openDevice(s *site, name string, flags int) (int, error) {
	var failures error
	for _, path := range []string{kernfs.Below(s.hostRoot, "/dev/"+name), "/dev/" + name} {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if err == nil {
			return fd, nil
		}
		if failures == nil {
			failures = fmt.Errorf("open %s: %w", path, err)
		} else {
			failures = fmt.Errorf("%w; open %s: %w", failures, path, err) // one line
		}
	}
	return -1, failures
}
