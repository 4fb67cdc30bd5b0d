package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// forks is how many short-lived children the witness starts, well above
	// what a quiet kernel starts by itself between two rounds.
	forks = 400
	// uevents is how many synthetic uevents the witness emits. Each is a
	// message to every listener on the node, so they are few.
	uevents = 32

	ueventSeqnum = "/sys/kernel/uevent_seqnum"
	// nullUevent belongs to /dev/null: a "change" of it means nothing to anyone.
	nullUevent = "/sys/class/mem/null/uevent"
)

// counters reads counters that the kernel keeps once for all containers on it.
func counters(*probes.Context) evidence.Observation {
	values, err := readCounters()
	if err != nil {
		return probes.Unreadable(err)
	}
	return probes.Seen(values)
}

// moveCounters makes the node's counters move by a known amount in the act
// round and reads each before ("<counter>_before") and after; in the settle
// round it only reads them.
func moveCounters(ctx *probes.Context) evidence.Observation {
	if ctx.Round != evidence.Act {
		return counters(ctx)
	}
	before, err := readCounters()
	if err != nil {
		return probes.Unreadable(err)
	}
	forked := forkChildren()
	emitted, emitErr := emitUevents(ctx.HostRoot)
	values, err := readCounters()
	if err != nil {
		return probes.Unreadable(err)
	}
	for counter, value := range before {
		values[counter+"_before"] = value
	}
	values["forked"] = evidence.Number(forked)
	values["emitted"] = evidence.Number(emitted)
	o := probes.Seen(values)
	if emitErr != nil {
		o.Detail = fmt.Sprintf("synthetic uevents: %v", emitErr)
	}
	return o
}

// readCounters reads the counters of /proc/stat and the number of the last
// uevent (Documentation/ABI/testing/sysfs-kernel-uevent_seqnum).
func readCounters() (evidence.Values, error) {
	stat, err := kernfs.Read("/proc/stat")
	if err != nil {
		return nil, err
	}
	values := parseStat(stat)
	if seqnum, err := kernfs.Line(ueventSeqnum); err == nil {
		if number, err := strconv.ParseInt(seqnum, 10, 64); err == nil {
			values["uevent_seqnum"] = evidence.Number(number)
		}
	}
	return values, nil
}

// statCounters names the readings by the first word of the line of /proc/stat
// (proc_stat(5)); of the line intr, the first number is the sum.
var statCounters = map[string]string{
	"processes": "processes",
	"intr":      "interrupts",
	"ctxt":      "context_switches",
}

func parseStat(stat []byte) evidence.Values {
	values := evidence.Values{}
	for line := range bytes.Lines(stat) {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		name, ok := statCounters[string(fields[0])]
		if !ok {
			continue
		}
		if number, err := strconv.ParseInt(string(fields[1]), 10, 64); err == nil {
			values[name] = evidence.Number(number)
		}
	}
	return values
}

// forkChildren starts children that end at once and returns how many there
// were. A child that fails to execute a program has been forked all the same,
// and costs a fraction of one that runs.
func forkChildren() int64 {
	var forked int64
	for range forks {
		// ENOENT comes from the child's execve; any other error from fork.
		if _, err := syscall.ForkExec("", []string{""}, nil); errors.Is(err, unix.ENOENT) {
			forked++
		}
	}
	return forked
}

// emitUevents writes synthetic uevents
// (Documentation/ABI/testing/sysfs-uevent) and returns how many the kernel took.
func emitUevents(hostRoot string) (int64, error) {
	file, err := os.OpenFile(nullUevent, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
		// The witness's own sysfs may be mounted read-only.
		file, err = os.OpenFile(kernfs.Below(hostRoot, nullUevent), os.O_WRONLY, 0)
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	for emitted := range int64(uevents) {
		if _, err := file.WriteAt([]byte("change"), 0); err != nil {
			return emitted, err
		}
	}
	return uevents, nil
}
