package devices

import (
	"errors"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// maxNodes bounds how many device nodes are looked at.
const maxNodes = 64

// nodePatterns are the devices that hand out the node's hardware or its
// virtualisation to whoever opens them.
var nodePatterns = []string{"/dev/kvm", "/dev/vhost-*", "/dev/vfio/*", "/dev/vfio/devices/*"}

// deviceNodes lists which of these device nodes exist and, but for the witness,
// which can be opened. Opening alone changes nothing in any of them.
func deviceNodes(ctx *probes.Context) evidence.Observation {
	var present, opened, refused []string
	truncated := false
	for _, path := range findNodes(ctx.HostRoot) {
		if len(present) == maxNodes {
			truncated = true
			break
		}
		var stat unix.Stat_t
		if err := unix.Lstat(kernfs.Below(ctx.HostRoot, path), &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFCHR {
			continue
		}
		present = append(present, path)
		if ctx.Vantage == evidence.Witness {
			continue
		}
		if errno := open(path); errno == 0 {
			opened = append(opened, path)
		} else {
			refused = append(refused, path+" "+unix.ErrnoName(errno))
		}
	}
	values := evidence.Values{"present": evidence.List(present...)}
	if ctx.Vantage != evidence.Witness {
		values["opened"] = evidence.List(opened...)
		values["refused"] = evidence.List(refused...)
	}
	if truncated {
		values["truncated"], values["unsearched"] = evidence.Number(1), evidence.Number(1)
	}
	return probes.Seen(values)
}

// findNodes returns the paths below /dev that match, without the root.
func findNodes(root string) []string {
	var paths []string
	for _, pattern := range nodePatterns {
		// The patterns are constants and well-formed.
		matches, _ := filepath.Glob(kernfs.Below(root, pattern))
		for _, match := range matches {
			paths = append(paths, strings.TrimPrefix(match, strings.TrimRight(root, "/")))
		}
	}
	return paths
}

// open tries to open a device node and returns 0 when that worked or failed
// only because somebody else has it (EBUSY): access itself was granted.
func open(path string) unix.Errno {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err == nil {
		_ = unix.Close(fd)
		return 0
	}
	var errno unix.Errno
	if errors.As(err, &errno) && errno == unix.EBUSY {
		return 0
	}
	return errno
}
