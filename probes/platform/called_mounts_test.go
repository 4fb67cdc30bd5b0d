package platform

import (
	"slices"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

func TestCalledMounts(t *testing.T) {
	const table = `82 66 8:1 / / rw,relatime - ext4 /dev/sda1 rw
91 82 8:1 /var/lib/katacert-run-1-0123456789abcdef.called/sandbox-bind-mounts /run/kata-containers/shared/x/sandbox-mounts/sandbox-bind-mounts ro - ext4 /dev/sda1 rw
92 82 8:2 /lib/katacert-run-1-0123456789abcdef.called/other /run/y ro - ext4 /dev/sda2 rw
93 82 8:1 /var/lib/katacert-run-2-0123456789abcdef.called/path /run/z ro - ext4 /dev/sda1 rw
94 82 8:1 /tmp/katacert-run-1-0123456789abcdef.shared/path /run/z ro - ext4 /dev/sda1 rw
short
`
	if got := calledIn(table, "run-1"); !slices.Equal(got, []string{"sandbox-bind-mounts", "other"}) {
		t.Errorf("found %q", got)
	}
	if o := listCalledMounts(t.TempDir(), "run-1"); o.State != evidence.Absent {
		t.Errorf("a node without sandboxes: %+v", o)
	}
}
