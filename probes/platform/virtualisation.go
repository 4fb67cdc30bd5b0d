package platform

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// maxGPUs bounds how many GPUs are listed; a node has 16 and their bridges.
const maxGPUs = 64

// virtualisation reads what the node brings for virtual machines: the processor's
// own ("vmx", "svm", or "none"; proc_cpuinfo(5); "unknown" where it has no such
// flags, as on arm64), whether guests may have them too
// (Documentation/virt/kvm/x86/running-nested-guests.rst), how many IOMMU groups
// there are (Documentation/driver-api/vfio.rst), and NVIDIA's GPUs with the driver
// that holds each.
func virtualisation(*probes.Context) evidence.Observation { return readVirtualisation("") }

// readVirtualisation reads the kernel's files below a root.
func readVirtualisation(root string) evidence.Observation {
	cpus, err := kernfs.Read(root + "/proc/cpuinfo")
	if err != nil {
		return probes.Unreadable(err)
	}
	nested := "off"
	for _, module := range []string{"kvm_intel", "kvm_amd"} {
		if value, err := kernfs.Line(root + "/sys/module/" + module + "/parameters/nested"); err == nil && (value == "Y" || value == "1") {
			nested = "on"
		}
	}
	groups, _ := os.ReadDir(root + "/sys/kernel/iommu_groups") // without an IOMMU there is no such folder
	return probes.Seen(evidence.Values{
		"cpu": evidence.Text(extension(cpus)), "nested": evidence.Text(nested),
		"iommu_groups": evidence.Number(int64(len(groups))), "gpus": evidence.List(gpus(root)...),
	})
}

// extension is the flag by which the first processor says that it runs guests.
func extension(cpuinfo []byte) string {
	for line := range bytes.Lines(cpuinfo) {
		name, value, _ := strings.Cut(string(line), ":")
		if strings.TrimSpace(name) != "flags" {
			continue
		}
		for _, flag := range []string{"vmx", "svm"} {
			if slices.Contains(strings.Fields(value), flag) {
				return flag
			}
		}
		return "none"
	}
	return "unknown"
}

// vendorNVIDIA and the classes of display controllers (PCI code and ID assignment
// specification: 0300 VGA, 0302 3D).
const vendorNVIDIA = "0x10de"

// gpus lists NVIDIA's GPUs as "address driver iommu-group".
func gpus(root string) []string {
	devices := root + "/sys/bus/pci/devices"
	entries, _ := os.ReadDir(devices) // a machine without PCI has no GPUs
	list := []string{}
	for _, entry := range entries {
		device := filepath.Join(devices, entry.Name())
		vendor, _ := kernfs.Line(device + "/vendor")
		class, _ := kernfs.Line(device + "/class")
		if vendor != vendorNVIDIA || !strings.HasPrefix(class, "0x0300") && !strings.HasPrefix(class, "0x0302") || len(list) == maxGPUs {
			continue
		}
		list = append(list, entry.Name()+" "+target(device+"/driver")+" "+target(device+"/iommu_group"))
	}
	return list
}

// target is the last part of where a link leads, or none.
func target(link string) string {
	to, err := os.Readlink(link)
	if err != nil {
		return "none"
	}
	return filepath.Base(to)
}
