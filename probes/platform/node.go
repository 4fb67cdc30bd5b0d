package platform

import (
	"bytes"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// node reads which machine this is: machine-id(5), os-release(5), the version of
// its control groups, and the node's wall clock in nanoseconds since 1970.
func node(ctx *probes.Context) evidence.Observation {
	values := evidence.Values{"clock_ns": evidence.Number(time.Now().UnixNano())}
	if id, err := kernfs.Line(kernfs.Below(ctx.HostRoot, "/etc/machine-id")); err == nil {
		values["machine_id"] = evidence.Text(id)
	}
	if release, err := kernfs.Read(kernfs.Below(ctx.HostRoot, "/etc/os-release")); err == nil {
		values["os"] = evidence.Text(prettyName(release))
	}
	if version := cgroupVersion(kernfs.Below(ctx.HostRoot, "/sys/fs/cgroup")); version != 0 {
		values["cgroup_version"] = evidence.Number(version)
	}
	return probes.Seen(values)
}

// cgroupVersion tells by the file system where all distributions mount control
// groups: that of version 2, or one of any other kind with those of version 1 on
// it. It is 0 where there is neither.
func cgroupVersion(path string) int64 {
	var fs unix.Statfs_t
	switch err := unix.Statfs(path, &fs); {
	case err != nil || fs.Type == unix.SYSFS_MAGIC:
		return 0
	case fs.Type == unix.CGROUP2_SUPER_MAGIC:
		return 2
	default:
		return 1
	}
}

// prettyName returns PRETTY_NAME of an os-release file, without its quotes.
func prettyName(release []byte) string {
	for line := range bytes.Lines(release) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "PRETTY_NAME="); ok {
			return strings.Trim(value, `"'`)
		}
	}
	return ""
}
