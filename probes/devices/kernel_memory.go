package devices

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/special"
)

// memoryNodes give physical memory, the kernel's memory and its ports to whoever
// opens them (mem(4)).
var memoryNodes = []struct {
	path         string
	major, minor uint32
}{{"/dev/mem", 1, 1}, {"/dev/kmem", 1, 2}, {"/dev/port", 1, 4}}

const kcore = "/proc/kcore"

// kernelMemory opens, and never reads, the files that hold all memory. Where /dev
// has no such node, it makes one for an instant. Opening asks for the capability
// SYS_RAWIO and for the device cgroup's leave; it changes nothing.
func kernelMemory(*probes.Context) evidence.Observation {
	var opened, refused []string
	note := func(path string, err error) {
		if err == nil {
			opened = append(opened, path)
		} else {
			refused = append(refused, path+" "+errnoOf(err))
		}
	}
	for _, node := range memoryNodes {
		err := special.Open(node.path)
		if errors.Is(err, unix.ENOENT) {
			err = special.With(unix.S_IFCHR, node.major, node.minor, special.Open)
		}
		note(node.path, err)
	}
	note(kcore, special.Open(kcore))
	return probes.Seen(evidence.Values{"opened": evidence.List(opened...), "refused": evidence.List(refused...)})
}
