// Package memmaps lists the memory mappings of a process.
package memmaps

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/internal/pids"
)

// Region is one mapping: addresses from Start up to End.
type Region struct{ Start, End int64 }

// Bytes is the region's size.
func (r Region) Bytes() int64 { return r.End - r.Start }

// maxRegions bounds how many mappings are listed; a process may have 65530
// (vm.max_map_count).
const maxRegions = 4096

// Writable lists a process's private mappings that can be read and written and
// have no file behind them (/proc/PID/maps, proc_pid_maps(5)).
func Writable(pid int) ([]Region, error) {
	file, err := os.Open(pids.Path(pid, "maps"))
	if err != nil {
		return nil, fmt.Errorf("list the memory of process %d: %w", pid, err)
	}
	defer func() { _ = file.Close() }()
	var regions []Region
	lines := bufio.NewScanner(file)
	for lines.Scan() && len(regions) < maxRegions {
		if r, ok := parse(lines.Text()); ok {
			regions = append(regions, r)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list the memory of process %d: %w", pid, err)
	}
	return regions, nil
}

// parse reads a line like "7f0c4a000000-7f0c4a021000 rw-p 00000000 00:00 0 [heap]".
func parse(line string) (Region, bool) {
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[1] != "rw-p" || fields[4] != "0" {
		return Region{}, false
	}
	first, last, ok := strings.Cut(fields[0], "-")
	if !ok {
		return Region{}, false
	}
	start, err1 := strconv.ParseInt(first, 16, 64)
	end, err2 := strconv.ParseInt(last, 16, 64)
	if err1 != nil || err2 != nil || end <= start {
		return Region{}, false
	}
	return Region{start, end}, true
}
