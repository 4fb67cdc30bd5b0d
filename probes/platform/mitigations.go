package platform

import (
	"os"
	"path/filepath"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	cpuFolder = "/sys/devices/system/cpu"
	// maxVulnerabilities bounds how many are read; Linux 6.18 knows about twenty.
	maxVulnerabilities = 64
)

// mitigations reads what the node's kernel says of the processor's known flaws
// and whether threads of one core are used at once
// (Documentation/ABI/testing/sysfs-devices-system-cpu).
func mitigations(ctx *probes.Context) evidence.Observation { return readMitigations(ctx.HostRoot) }

func readMitigations(root string) evidence.Observation {
	folder := kernfs.Below(root, filepath.Join(cpuFolder, "vulnerabilities"))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return probes.Unreadable(err)
	}
	values := evidence.Values{}
	var lines []string
	for i, entry := range entries {
		if i == maxVulnerabilities {
			values["truncated"] = evidence.Number(1)
			break
		}
		if text, err := kernfs.Line(filepath.Join(folder, entry.Name())); err == nil {
			lines = append(lines, entry.Name()+": "+text)
		}
	}
	values["vulnerabilities"] = evidence.List(lines...)
	if active, err := kernfs.Line(kernfs.Below(root, cpuFolder+"/smt/active")); err == nil {
		values["smt_active"] = evidence.Text(active)
	}
	return probes.Seen(values)
}
