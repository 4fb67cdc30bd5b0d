package kernel

import (
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// hypervisor asks the CPU whether a hypervisor runs below, and which: CPUID
// leaf 1, and the vendor in leaf 0x40000000.
func hypervisor(*probes.Context) evidence.Observation {
	if !cpuid.CPU.Has(cpuid.HYPERVISOR) {
		return probes.Seen(evidence.Values{"vendor": evidence.Text(""), "hypervisor": evidence.Number(0)})
	}
	return probes.Seen(evidence.Values{
		"vendor":     evidence.Text(strings.Trim(cpuid.CPU.HypervisorVendorString, " \x00")),
		"hypervisor": evidence.Number(1),
	})
}
