package gpunode

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// Bounds of what is listed. The largest machines have 16 GPUs with an audio function
// each, 6 NVSwitches, and less than ten bridges above each.
const (
	maxFunctions = 2048
	maxNVIDIA    = 64
	maxMembers   = 512
)

// nvidia is NVIDIA's vendor id.
const nvidia = "0x10de"

// address is a PCI function's: domain, bus, device and function.
var address = regexp.MustCompile(`^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)

// sysTree is a node's sysfs, procfs beside it.
type sysTree struct{ sys, proc string }

// functions lists the node's PCI functions of NVIDIA, who shares an IOMMU group with
// them, and the ports between them and the processor. All of it is the kernel's own,
// so the witness reads it where it stands.
func functions(*probes.Context) evidence.Observation {
	return ReadFunctions("/")
}

// ReadFunctions observes the sysfs and procfs below a root.
func ReadFunctions(root string) evidence.Observation {
	t := sysTree{filepath.Join(root, "sys"), filepath.Join(root, "proc")}
	values, err := t.functions()
	if err != nil {
		return evidence.Observation{State: evidence.Failed, Detail: err.Error()}
	}
	return probes.Seen(values)
}

func (t sysTree) functions() (evidence.Values, error) {
	found, members, ports := []string{}, map[string]bool{}, map[string]bool{}
	all, err := os.ReadDir(t.pci(""))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the PCI functions: %w", err)
	}
	values := evidence.Values{}
	if len(all) > maxFunctions {
		all = all[:maxFunctions]
		values["truncated"] = evidence.Number(1)
	}
	for _, entry := range all {
		bus := entry.Name()
		if !address.MatchString(bus) || t.line(bus, "vendor") != nvidia {
			continue
		}
		if len(found) == maxNVIDIA {
			values["truncated"] = evidence.Number(1)
			break
		}
		line, group, path := t.function(bus)
		found = append(found, line)
		for _, member := range t.members(group) {
			members["group="+group+" "+t.identity(member)] = true
		}
		for _, above := range path {
			ports[t.port(above)] = true
		}
	}
	if len(members) > maxMembers || len(ports) > maxMembers {
		values["truncated"] = evidence.Number(1)
	}
	values["functions"] = evidence.List(found...)
	values["members"] = evidence.List(bounded(members)...)
	values["ports"] = evidence.List(bounded(ports)...)
	values["driver_gpus"] = evidence.List(DriverGPUs(t.proc)...)
	values["driver_version"] = evidence.Text(first(kernfs.Line(filepath.Join(t.sys, "module/nvidia/version"))))
	values["noiommu"] = evidence.Text(first(kernfs.Line(filepath.Join(t.sys, "module/vfio/parameters/enable_unsafe_noiommu_mode"))))
	values["acs_override"] = evidence.Text(override(first(kernfs.Line(filepath.Join(t.proc, "cmdline")))))
	return values, nil
}

// function is the line of one function, with its IOMMU group and the bridges above it.
func (t sysTree) function(bus string) (line, group string, path []string) {
	group = t.link(bus, "iommu_group")
	path = t.path(bus)
	reset := strings.Join(strings.Fields(t.line(bus, "reset_method")), ",")
	virtual := t.link(bus, "physfn") != ""
	line = fmt.Sprintf("%s driver=%s override=%s group=%s numa=%s reset=%s virtual=%t vfs=%s/%s path=%s",
		t.identity(bus), t.link(bus, "driver"), word(t.line(bus, "driver_override")), group, t.line(bus, "numa_node"), reset,
		virtual, t.line(bus, "sriov_numvfs"), t.line(bus, "sriov_totalvfs"), strings.Join(path, ","))
	return line, group, path
}

// identity is who a function is: "bus=… id=10de:2330 class=030200".
func (t sysTree) identity(bus string) string {
	id := func(name string) string { return strings.TrimPrefix(t.line(bus, name), "0x") }
	return fmt.Sprintf("bus=%s id=%s:%s class=%s", bus, id("vendor"), id("device"), id("class"))
}

// members are the functions of an IOMMU group.
func (t sysTree) members(group string) []string {
	if group == "" {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(t.sys, "kernel/iommu_groups", group, "devices"))
	if err != nil {
		return []string{"unread"}
	}
	var names []string
	for _, entry := range entries[:min(len(entries), maxMembers)] {
		names = append(names, entry.Name())
	}
	return names
}

// path is the chain of bridges from the root complex to a function, from the link that
// sysfs has for it.
func (t sysTree) path(bus string) []string {
	real, err := filepath.EvalSymlinks(t.pci(bus))
	if err != nil {
		return nil
	}
	var above []string
	for part := range strings.SplitSeq(filepath.Dir(real), "/") {
		if address.MatchString(part) {
			above = append(above, part)
		}
	}
	return above
}

// port is the line of one bridge.
func (t sysTree) port(bus string) string {
	p, err := readPort(t.pci(bus) + "/config")
	if err != nil {
		return t.identity(bus) + " unread=" + word(err.Error())
	}
	return t.identity(bus) + " " + p.String()
}

func (t sysTree) pci(bus string) string { return filepath.Join(t.sys, "bus/pci/devices", bus) }

// line is the value of an attribute; "" where the kernel or the device has none.
func (t sysTree) line(bus, name string) string {
	value := first(kernfs.Line(t.pci(bus) + "/" + name))
	if value == "(null)" { // driver_override of a device without one
		return ""
	}
	return value
}

// link is the last part of what a link of a function points to.
func (t sysTree) link(bus, name string) string {
	target, err := os.Readlink(t.pci(bus) + "/" + name)
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

// DriverGPUs lists the GPUs that NVIDIA's driver has in procfs, as
// "bus=0000:17:00.0 minor=0 uuid=GPU-…".
func DriverGPUs(proc string) []string {
	folder := filepath.Join(proc, "driver/nvidia/gpus")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var lines []string
	for _, entry := range entries[:min(len(entries), maxNVIDIA)] {
		text, err := kernfs.Read(filepath.Join(folder, entry.Name(), "information"))
		if err != nil {
			continue
		}
		fields := map[string]string{}
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok {
				fields[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
		lines = append(lines, fmt.Sprintf("bus=%s minor=%s uuid=%s", word(entry.Name()), word(fields["Device Minor"]), word(fields["GPU UUID"])))
	}
	return lines
}

// override is what a kernel was told to believe of ACS: a patch that distributions for
// desktops carry splits IOMMU groups whose functions can reach each other.
func override(cmdline string) string {
	for _, parameter := range strings.Fields(cmdline) {
		if strings.HasPrefix(parameter, "pcie_acs_override") {
			return parameter
		}
	}
	return ""
}

// word keeps a value from reading as several.
func word(value string) string { return strings.Join(strings.Fields(value), "_") }

// first is the value of a file that need not exist.
func first(value string, err error) string {
	if err != nil {
		return ""
	}
	return value
}

// bounded are at most so many of the lines as are kept.
func bounded(lines map[string]bool) []string {
	sorted := make([]string, 0, len(lines))
	for line := range lines {
		sorted = append(sorted, line)
	}
	slices.Sort(sorted)
	return sorted[:min(len(sorted), maxMembers)]
}
