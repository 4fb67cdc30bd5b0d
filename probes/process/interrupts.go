package process

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// maxInterruptLines and maxModules bound the lists.
	maxInterruptLines = 1024
	maxModules        = 512

	// moveWithin bounds the witness's wait for its own timer to have been
	// counted; any kernel that counts at all does so within milliseconds.
	moveWithin = 200 * time.Millisecond
	moveEvery  = 2 * time.Millisecond
)

// totals are the counters that the witness watches moving.
var totals = []string{"total", "intr_total", "softirq_total"}

// interrupts reads the interrupts and modules of the kernel: which devices it
// has, and counters that only this kernel has.
func interrupts(*probes.Context) evidence.Observation {
	values, err := readInterrupts()
	if len(values) > 0 {
		return probes.Seen(values)
	}
	if err != nil {
		return probes.Unreadable(err)
	}
	return probes.Absent("none of /proc/interrupts, /proc/stat and /proc/modules holds anything")
}

// moveInterrupts reads the counters before and after they moved in the act
// round: waiting by timer is itself work that they count.
func moveInterrupts(ctx *probes.Context) evidence.Observation {
	if ctx.Round != evidence.Act {
		return interrupts(ctx)
	}
	before, err := readInterrupts()
	if err != nil && len(before) == 0 {
		return probes.Unreadable(err)
	}
	after := before
	deadline := time.Now().Add(ctx.Scaled(moveWithin))
	for !allMoved(before, after) && time.Now().Before(deadline) {
		<-time.After(moveEvery)
		if after, err = readInterrupts(); err != nil && len(after) == 0 {
			return probes.Unreadable(err)
		}
	}
	for _, name := range totals {
		if value, ok := before[name]; ok {
			after[name+"_before"] = value
		}
	}
	return probes.Seen(after)
}

func allMoved(before, after evidence.Values) bool {
	for _, name := range totals {
		was, ok := before.Number(name)
		now, _ := after.Number(name)
		if ok && now <= was {
			return false
		}
	}
	return true
}

// readInterrupts reads what can be read; the error is the last one met.
// Runtimes that mask /proc/interrupts show an empty file in its place, of which
// nothing is reported.
func readInterrupts() (evidence.Values, error) {
	values := evidence.Values{}
	table, failure := kernfs.Read("/proc/interrupts")
	if lines, total := parseInterrupts(table); len(table) > 0 {
		values["lines"] = evidence.List(lines[:min(len(lines), maxInterruptLines)]...)
		values["total"] = evidence.Number(total)
	}
	if stat, err := kernfs.Read("/proc/stat"); err == nil {
		for name, reading := range map[string]string{"intr": "intr_total", "softirq": "softirq_total"} {
			if total, ok := parseStatTotal(stat, name); ok {
				values[reading] = evidence.Number(total)
			}
		}
	} else {
		failure = err
	}
	if modules, err := kernfs.Read("/proc/modules"); err == nil {
		values["modules"] = evidence.List(parseModules(modules)...)
	}
	return values, failure
}

// parseInterrupts returns what stands beside the counts of every numbered
// interrupt (number, chip, trigger, devices) and the sum of all counts, those of
// the architecture's own interrupts included.
func parseInterrupts(table []byte) (lines []string, total int64) {
	lines = []string{}
	for line := range strings.Lines(string(table)) {
		label, rest, ok := strings.Cut(line, ":")
		if !ok {
			// The first line names the CPUs.
			continue
		}
		fields := strings.Fields(rest)
		for len(fields) > 0 {
			count, err := strconv.ParseInt(fields[0], 10, 64)
			if err != nil {
				break
			}
			total += count
			fields = fields[1:]
		}
		label = strings.TrimSpace(label)
		if _, err := strconv.Atoi(label); err == nil && len(fields) > 0 {
			lines = append(lines, label+" "+strings.Join(fields, " "))
		}
	}
	return lines, total
}

// parseStatTotal returns the first number, the sum, of a line of /proc/stat.
func parseStatTotal(stat []byte, name string) (int64, bool) {
	for line := range bytes.Lines(stat) {
		rest, ok := bytes.CutPrefix(line, []byte(name+" "))
		if !ok {
			continue
		}
		sum, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
		total, err := strconv.ParseInt(string(sum), 10, 64)
		return total, err == nil
	}
	return 0, false
}

func parseModules(modules []byte) []string {
	names := []string{}
	for line := range strings.Lines(string(modules)) {
		if fields := strings.Fields(line); len(fields) > 0 && len(names) < maxModules {
			names = append(names, fields[0])
		}
	}
	return names
}
