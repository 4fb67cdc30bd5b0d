//go:build !amd64

package kernel

import (
	"runtime"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

func hypervisor(*probes.Context) evidence.Observation {
	return probes.Absent("%s has no CPUID instruction", runtime.GOARCH)
}
