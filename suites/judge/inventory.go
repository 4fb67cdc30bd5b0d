package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// Devices that the guests of Kata Containers 4.1 are given on purpose, with any of its
// hypervisors: what its documentation names and real sandboxes were seen to have.
var (
	// guestFunctions are PCI functions by vendor and device (pci.ids).
	guestFunctions = []string{
		"8086:29c0", "8086:2918", "8086:2922", "8086:2930", // the q35 machine: host bridge, LPC, AHCI, SMBus
		"8086:1237", "8086:7000", "8086:7010", "8086:7113", // the older pc machine: host bridge, ISA, IDE, ACPI
		"8086:0d57",                                                     // Cloud Hypervisor's host bridge
		"1b36:0001", "1b36:0008", "1b36:000b", "1b36:000c", "1b36:000e", // bridges, host bridges and root ports
		"1af4:1000", "1af4:1041", "1af4:1001", "1af4:1042", "1af4:1002", "1af4:1045", "1af4:1003", "1af4:1043", // net, block, balloon, console
		"1af4:1004", "1af4:1048", "1af4:1005", "1af4:1044", "1af4:1009", "1af4:1049", "1af4:1012", "1af4:1053", // scsi, rng, 9p, vsock
		"1af4:1057", "1af4:1058", "1af4:105a", "1af4:105b", // iommu, mem, fs, pmem
	}
	// guestVirtio are virtio devices by type (Virtual I/O Device specification, 5).
	guestVirtio = map[string]string{"0001": "net", "0002": "block", "0003": "console", "0004": "rng", "0005": "balloon", "0008": "scsi", "0009": "9p",
		"0013": "vsock", "0017": "iommu", "0018": "mem", "001a": "fs", "001b": "pmem"}
	// guestDrivers are the devices that QEMU is told to make, by driver.
	guestDrivers = []string{"pci-bridge", "pcie-root-port", "pcie-pci-bridge", "virtio-serial-pci", "virtconsole", "virtserialport", "virtio-scsi-pci", "scsi-hd",
		"virtio-rng-pci", "vhost-vsock-pci", "vhost-user-fs-pci", "virtio-net-pci", "virtio-blk-pci", "virtio-9p-pci", "virtio-balloon-pci", "virtio-mem-pci",
		"virtio-pmem-pci", "nvdimm", "intel-iommu", "virtio-iommu-pci",
		"virtio-serial-ccw", "virtio-scsi-ccw", "virtio-rng-ccw", "vhost-vsock-ccw", "virtio-net-ccw", "virtio-blk-ccw", "vhost-user-fs-ccw"}
)

// UnexpectedDevices detects a device of the guest that is not among those which Kata
// gives a guest by design: memory shared with the node or another guest (ivshmem), a
// passed-through device that the pod did not ask for, an emulated one that is there
// for its flaws alone.
func UnexpectedDevices() Detection {
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		monitors, err := h.of(vmmRole)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		functions, err := c.observe(c.Seen, evidence.Look, "pci")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		virtio, err := c.observe(c.Seen, evidence.Look, "virtio")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		bus, hasBus := functions.Values.List("devices")
		for _, p := range monitors {
			// Firecracker and Dragonball have no PCI bus unless they are asked for one.
			if !hasBus && (strings.HasPrefix(p.exe, "qemu") || strings.HasPrefix(p.exe, "cloud-hypervisor")) {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("shows no PCI bus, which every guest of %s has: %s", p.exe, why(functions))}
			}
		}
		devices, ok := virtio.Values.List("devices")
		if !ok || len(devices) == 0 {
			return Sight{Outcome: Unknown, Reason: "shows no virtio devices, without which no guest of Kata's works: " + why(virtio)}
		}
		if _, cut := functions.Values.Number("truncated"); cut {
			return Sight{Outcome: Unknown, Reason: "has more PCI functions than are read"}
		}
		var unexpected []string
		for _, line := range bus {
			fields := strings.Fields(line)
			if len(fields) < 2 || !slices.Contains(guestFunctions, fields[1]) {
				unexpected = append(unexpected, "PCI "+line)
			}
		}
		for _, line := range devices {
			fields := strings.Fields(line)
			if len(fields) < 2 || guestVirtio[fields[1]] == "" {
				unexpected = append(unexpected, line)
			}
		}
		for _, p := range monitors {
			unexpected = append(unexpected, unexpectedDrivers(h.arguments(p.pid))...)
		}
		sight := Sight{Outcome: Undetected, Readings: []Reading{
			{Name: "pci", Truth: "known devices of Kata's guests", Seen: shorten(bus), Match: len(unexpected) > 0}, {Name: "virtio", Seen: shorten(devices)}},
			Reason: fmt.Sprintf("has %d PCI functions and %d virtio devices, all of which Kata gives a guest by design", len(bus), len(devices))}
		if len(unexpected) > 0 {
			sight.Outcome, sight.Reason = Detected, "has devices that Kata gives no guest by itself: "+shorten(unexpected)
		}
		return sight
	}
}

// unexpectedDrivers are the devices among QEMU's arguments that are not known.
func unexpectedDrivers(arguments []string) []string {
	var unexpected []string
	for i, argument := range arguments {
		if argument != "-device" || i+1 == len(arguments) {
			continue
		}
		driver, _, _ := strings.Cut(strings.TrimPrefix(arguments[i+1], "driver="), ",")
		if !slices.Contains(guestDrivers, driver) {
			unexpected = append(unexpected, "-device "+driver)
		}
	}
	return unexpected
}
