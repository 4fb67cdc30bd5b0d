package kernel

import (
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// vmcoreinfo reads the physical address of the note that the running kernel
// keeps for a crash dump (Documentation/ABI/testing/sysfs-kernel-vmcoreinfo).
// The kernel allocates the page at boot.
func vmcoreinfo(*probes.Context) evidence.Observation {
	line, err := kernfs.Line("/sys/kernel/vmcoreinfo")
	if err != nil {
		return probes.Unreadable(err)
	}
	address, _, _ := strings.Cut(line, " ")
	return probes.Seen(evidence.Values{"address": evidence.Text(address)})
}
