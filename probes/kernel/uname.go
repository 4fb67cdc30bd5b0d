package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// uname asks for the kernel's release and version (uname(2)) and, where procfs
// has it, for the fuller /proc/version with compiler and build host.
func uname(*probes.Context) evidence.Observation {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return probes.Unreadable(fmt.Errorf("uname: %w", err))
	}
	values := evidence.Values{
		"release": evidence.Text(unix.ByteSliceToString(name.Release[:])),
		"version": evidence.Text(unix.ByteSliceToString(name.Version[:])),
	}
	if version, err := kernfs.Line("/proc/version"); err == nil {
		values["proc_version"] = evidence.Text(version)
	}
	return probes.Seen(values)
}
