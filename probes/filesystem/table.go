package filesystem

import (
	"bytes"
	"fmt"

	"github.com/moby/sys/mountinfo"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

const ownMountinfo = "/proc/self/mountinfo"

// mountTable reads a mountinfo file of procfs.
func mountTable(path string) ([]*mountinfo.Info, error) {
	data, err := kernfs.Read(path)
	if err != nil {
		return nil, err
	}
	table, err := mountinfo.GetMountsFromReader(bytes.NewReader(data), nil)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	return table, nil
}

// pseudoTypes are file systems that hold no files of anyone, only what the
// kernel tells or takes. Walking them is endless, has effects, or waits (autofs).
var pseudoTypes = map[string]bool{
	"autofs": true, "binfmt_misc": true, "bpf": true, "cgroup": true, "cgroup2": true, "configfs": true,
	"debugfs": true, "devpts": true, "efivarfs": true, "fusectl": true, "mqueue": true, "nsfs": true,
	"proc": true, "pstore": true, "resctrl": true, "rpc_pipefs": true, "securityfs": true, "selinuxfs": true,
	"smackfs": true, "sysfs": true, "tracefs": true,
}
