package devices

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// classBlock has one entry for each disk and partition.
const classBlock = "/sys/class/block"

// partitions lists the block devices that hold anything, as "name sectors" with
// sectors of 512 bytes.
func partitions(*probes.Context) evidence.Observation {
	fromProc, procErr := procPartitions()
	fromSys, sysErr := sysSizes()
	if procErr != nil && sysErr != nil {
		return probes.Unreadable(procErr)
	}
	// sysfs wins: /proc/partitions counts in KiB and loses an odd sector.
	for name, sectors := range fromSys {
		fromProc[name] = sectors
	}
	entries := make([]string, 0, len(fromProc))
	for name, sectors := range fromProc {
		entries = append(entries, fmt.Sprintf("%s %d", name, sectors))
	}
	return probes.Seen(evidence.Values{"entries": evidence.List(entries...)})
}

// procPartitions reads /proc/partitions (proc_partitions(5)). The map is never
// nil.
func procPartitions() (map[string]uint64, error) {
	table, err := kernfs.Read("/proc/partitions")
	if err != nil {
		return map[string]uint64{}, err
	}
	return parsePartitions(table), nil
}

func parsePartitions(table []byte) map[string]uint64 {
	sizes := map[string]uint64{}
	for line := range bytes.Lines(table) {
		fields := bytes.Fields(line) // major, minor, KiB, name
		if len(fields) != 4 {
			continue
		}
		if kib, err := strconv.ParseUint(string(fields[2]), 10, 63); err == nil && kib > 0 {
			sizes[string(fields[3])] = kib * 2
		}
	}
	return sizes
}

// sysSizes reads the sizes in sysfs (Documentation/ABI/stable/sysfs-block).
func sysSizes() (map[string]uint64, error) {
	devices, err := os.ReadDir(classBlock)
	if err != nil {
		return nil, err
	}
	sizes := map[string]uint64{}
	var denied error
	for _, device := range devices {
		size, err := kernfs.Line(classBlock + "/" + device.Name() + "/size")
		if errors.Is(err, os.ErrPermission) {
			denied = err
		}
		if err != nil {
			continue
		}
		if sectors, err := strconv.ParseUint(size, 10, 64); err == nil && sectors > 0 {
			sizes[device.Name()] = sectors
		}
	}
	return sizes, denied
}
