package process

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// maxDisks bounds the list of disks.
const maxDisks = 256

// load reads how large and how busy the machine is.
func load(*probes.Context) evidence.Observation {
	values := evidence.Values{}
	loadavg, err := kernfs.Line("/proc/loadavg")
	if fields := strings.Fields(loadavg); len(fields) >= 3 {
		values["loadavg"] = evidence.Text(strings.Join(fields[:3], " "))
	}
	if meminfo, err := kernfs.Read("/proc/meminfo"); err == nil {
		if kib, ok := parseMemTotal(meminfo); ok {
			values["mem_total_kib"] = evidence.Number(kib)
		}
	}
	if cpuinfo, err := kernfs.Read("/proc/cpuinfo"); err == nil {
		if cpus := countProcessors(cpuinfo); cpus > 0 {
			values["cpus"] = evidence.Number(cpus)
		}
	}
	if diskstats, err := kernfs.Read("/proc/diskstats"); err == nil {
		values["disk"] = evidence.List(parseDiskstats(diskstats, isWholeDisk)...)
	}
	if len(values) == 0 {
		if err != nil {
			return probes.Unreadable(err)
		}
		return probes.Absent("none of /proc/loadavg, meminfo, cpuinfo and diskstats holds anything")
	}
	return probes.Seen(values)
}

// parseMemTotal returns the memory of the machine in KiB.
func parseMemTotal(meminfo []byte) (int64, bool) {
	for line := range bytes.Lines(meminfo) {
		fields := bytes.Fields(line)
		if len(fields) >= 2 && string(fields[0]) == "MemTotal:" {
			kib, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return kib, err == nil
		}
	}
	return 0, false
}

// countProcessors counts the CPUs that /proc/cpuinfo describes, each of which
// has a line "processor : N" on every architecture that katacert runs on.
func countProcessors(cpuinfo []byte) int64 {
	var count int64
	for line := range bytes.Lines(cpuinfo) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && string(bytes.TrimSpace(name)) == "processor" {
			if _, err := strconv.Atoi(string(bytes.TrimSpace(value))); err == nil {
				count++
			}
		}
	}
	return count
}

// parseDiskstats returns "name reads writes" of the disks that did any work,
// reads and writes being completed requests
// (Documentation/admin-guide/iostats.rst).
func parseDiskstats(diskstats []byte, isDisk func(name string) bool) []string {
	disks := []string{}
	for line := range bytes.Lines(diskstats) {
		fields := strings.Fields(string(line))
		if len(fields) < 8 || (fields[3] == "0" && fields[7] == "0") || !isDisk(fields[2]) {
			continue
		}
		disks = append(disks, fields[2]+" "+fields[3]+" "+fields[7])
		if len(disks) == maxDisks {
			break
		}
	}
	return disks
}

// virtualDisk matches block devices that every machine may have of itself.
var virtualDisk = regexp.MustCompile(`^(loop|ram|zram|nbd|fd|sr|md|dm-)`)

// isWholeDisk passes over partitions, which have no entry of their own in
// /sys/block; where that cannot be read, they pass for disks.
func isWholeDisk(name string) bool {
	if virtualDisk.MatchString(name) {
		return false
	}
	if _, err := os.Stat("/sys/block"); err != nil {
		return true
	}
	_, err := os.Stat("/sys/block/" + strings.ReplaceAll(name, "/", "!"))
	return err == nil
}
