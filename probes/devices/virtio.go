package devices

import (
	"os"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	virtioDevices = "/sys/bus/virtio/devices"
	// maxVirtio bounds how many virtio devices are read.
	maxVirtio = 1024
)

// virtio lists the devices on the virtio bus, whatever transport they have (PCI,
// MMIO), as "virtio0 0001": the number says what it is (the Virtual I/O Device
// specification, 5 "Device Types").
func virtio(*probes.Context) evidence.Observation { return listVirtio(virtioDevices) }

func listVirtio(bus string) evidence.Observation {
	found, err := os.ReadDir(bus)
	if err != nil {
		return probes.Unreadable(err)
	}
	values := evidence.Values{}
	if len(found) > maxVirtio {
		found = found[:maxVirtio]
		values["truncated"] = evidence.Number(1)
	}
	devices := make([]string, 0, len(found))
	for _, device := range found {
		id, err := kernfs.Line(bus + "/" + device.Name() + "/device")
		if err != nil {
			id = "?"
		}
		devices = append(devices, device.Name()+" "+strings.TrimPrefix(id, "0x"))
	}
	values["devices"] = evidence.List(devices...)
	return probes.Seen(values)
}
