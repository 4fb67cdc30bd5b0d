package gpu

import (
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// maxNodes bounds how many device nodes are looked at.
const maxNodes = 64

// deviceNodes lists the device nodes of NVIDIA's driver, and which of them can be
// opened. Opening one alone changes nothing in a GPU.
func deviceNodes(*probes.Context) evidence.Observation {
	// The pattern is a constant and well-formed.
	paths, _ := filepath.Glob("/dev/nvidia*")
	var present, opened, refused []string
	for _, path := range paths {
		var stat unix.Stat_t
		if err := unix.Lstat(path, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFCHR || len(present) == maxNodes {
			continue
		}
		present = append(present, path)
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			refused = append(refused, path+" "+probes.Unreadable(err).Errno)
			continue
		}
		_ = unix.Close(fd)
		opened = append(opened, path)
	}
	return probes.Seen(evidence.Values{
		"present": evidence.List(present...),
		"opened":  evidence.List(opened...),
		"refused": evidence.List(refused...),
	})
}
