package kernel

import (
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// bootID reads the random UUID that the kernel draws once per boot
// (Documentation/admin-guide/sysctl/kernel.rst, random/boot_id).
func bootID(*probes.Context) evidence.Observation {
	id, err := kernfs.Line("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return probes.Unreadable(err)
	}
	return probes.Seen(evidence.Values{"boot_id": evidence.Text(id)})
}
