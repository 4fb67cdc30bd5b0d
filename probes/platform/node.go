package platform

import (
	"bytes"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// node reads which machine this is: machine-id(5), os-release(5), and the
// node's wall clock in nanoseconds since 1970.
func node(ctx *probes.Context) evidence.Observation {
	values := evidence.Values{"clock_ns": evidence.Number(time.Now().UnixNano())}
	if id, err := kernfs.Line(kernfs.Below(ctx.HostRoot, "/etc/machine-id")); err == nil {
		values["machine_id"] = evidence.Text(id)
	}
	if release, err := kernfs.Read(kernfs.Below(ctx.HostRoot, "/etc/os-release")); err == nil {
		values["os"] = evidence.Text(prettyName(release))
	}
	return probes.Seen(values)
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
