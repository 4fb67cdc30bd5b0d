package devices

import (
	"os"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	pciDevices = "/sys/bus/pci/devices"
	// maxPCI bounds how many PCI functions are read; a node full of GPUs and
	// virtual functions has several hundred.
	maxPCI = 1024
)

// pci lists the PCI functions as
// "0000:00:01.0 vendor:device subvendor:subdevice class"
// (Documentation/ABI/testing/sysfs-bus-pci).
func pci(*probes.Context) evidence.Observation {
	functions, err := os.ReadDir(pciDevices)
	if err != nil {
		return probes.Unreadable(err)
	}
	if len(functions) == 0 {
		return probes.Absent("%s is empty", pciDevices)
	}
	values := evidence.Values{}
	if len(functions) > maxPCI {
		functions = functions[:maxPCI]
		values["truncated"] = evidence.Number(1)
	}
	devices := make([]string, 0, len(functions))
	for _, function := range functions {
		id := func(name string) string {
			value, err := kernfs.Line(pciDevices + "/" + function.Name() + "/" + name)
			if err != nil {
				return "?"
			}
			return strings.TrimPrefix(value, "0x")
		}
		devices = append(devices, function.Name()+" "+id("vendor")+":"+id("device")+" "+
			id("subsystem_vendor")+":"+id("subsystem_device")+" "+id("class"))
	}
	values["devices"] = evidence.List(devices...)
	return probes.Seen(values)
}
