package judge

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/katacert/katacert/probes/evidence"
)

// What the probe that burns uses at least (probes/kernel/burn.go). Who claims to
// have burned less would be bound to any VMM that moved a little.
const (
	leastBurnedMicros = 200_000
	leastBurnedBytes  = 64 << 20
)

// Shares of the burned CPU time and touched memory that a VMM must have moved
// by to count as the one that ran the burn. Half leaves room for a guest that
// was throttled or reused memory it already had.
const (
	burnShareCPU    = 2
	burnShareMemory = 2
)

// Unbound detects a pod whose work does not show as the work of exactly one
// virtual machine monitor on the node: it burned CPU and memory, and no VMM
// process moved along, or several did.
func Unbound() Detection {
	return func(c *Case) Sight {
		// Where the subject has no VMM by design nobody burned, not even the
		// control vantage.
		if sandbox, err := c.sandbox(evidence.Subject); err == nil && sandbox.Kind() == KindUserKernel {
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("subject has no virtual machine: %s keeps its kernel in a process", sandbox.Shim)}
		}
		burned, from, to := evidence.LookAgain, evidence.Act, evidence.Settle
		if c.Seen.Vantage == evidence.Reference {
			burned, from, to = evidence.Look, evidence.Look, evidence.Act
		}
		burn, err := c.observe(c.Seen, burned, "burn")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if burn.State != evidence.Seen {
			return Sight{Outcome: Unknown, Reason: "did not burn: " + why(burn)}
		}
		before, err := c.vmms(from)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		after, err := c.vmms(to)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		cpu, _ := burn.Values.Number("cpu_us")
		memory, _ := burn.Values.Number("memory_bytes")
		if cpu < leastBurnedMicros || memory < leastBurnedBytes {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("does not say that it burned what it was told to: %d us of CPU and %d bytes", cpu, memory)}
		}
		var moved, names []string
		for pid, now := range after {
			names = append(names, now.name)
			then := before[pid]
			if now.cpuMicros-then.cpuMicros >= cpu/burnShareCPU && (now.rssKiB-then.rssKiB)*1024 >= memory/burnShareMemory {
				moved = append(moved, fmt.Sprintf("%s (pid %s)", now.name, pid))
			}
		}
		sight := Sight{Outcome: Detected, Readings: []Reading{{
			Name: "vmm", Truth: "exactly one VMM moves with the pod's work",
			Seen: shorten(moved), Match: len(moved) != 1,
		}}}
		switch len(moved) {
		case 0:
			// Whose work the monitor did that is gone, nobody can tell any more.
			if ended := ended(before, after); len(ended) > 0 {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be bound to a VMM: %s ended before its work was read", shorten(ended))}
			}
			if own := c.boundOtherwise(before, after, cpu/burnShareCPU); own != nil {
				return *own
			}
			sight.Reason = fmt.Sprintf("spent %d ms of CPU that no VMM of the node spent (%d VMMs there)", cpu/1000, len(names))
		case 1:
			sight.Outcome, sight.Reason = Undetected, fmt.Sprintf("works inside %s and no other VMM", moved[0])
		default:
			sight.Reason = fmt.Sprintf("cannot be told apart: %d VMMs moved with it (%s)", len(moved), shorten(moved))
		}
		return sight
	}
}

// boundOtherwise is the sight of a virtual machine with which no VMM of the node moved, for
// a reason: it runs elsewhere, or memory cannot move with the work. Then the one VMM that
// spent as much CPU is the sandbox's own, and has all of its guest's memory from the
// start, as where it is preallocated, or keeps it where no process's memory is counted, as
// confidential guests do. Nothing where another moved, or none.
func (c *Case) boundOtherwise(before, after map[string]vmm, least int64) *Sight {
	sandbox, err := c.sandbox(c.Seen.Vantage)
	if err != nil || sandbox.Kind() != KindVM {
		return nil
	}
	h, done := c.hosted()
	if done != nil && done.Outcome == NoTruth { // a remote hypervisor
		return done
	}
	var moved []string
	for pid, now := range after {
		if now.cpuMicros-before[pid].cpuMicros >= least {
			moved = append(moved, pid)
		}
	}
	if done != nil || len(moved) != 1 {
		return nil
	}
	own, err := h.of(vmmRole)
	pid := moved[0]
	if err != nil || !slices.ContainsFunc(own, func(p hostProcess) bool { return p.pid == pid }) {
		return nil
	}
	name := fmt.Sprintf("%s (pid %s)", after[pid].name, pid)
	if guest := h.guestMemory(pid); guest > 0 && before[pid].rssKiB >= guest {
		return &Sight{Outcome: Undetected, Reason: "works inside " + name + ", which had all of its guest's memory before, and no other VMM",
			Readings: []Reading{{Name: "vmm", Truth: "exactly one VMM moves with the pod's work", Seen: name}}}
	}
	return &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s works by the CPU time inside %s, its own VMM, whose memory did not move along: what the guest has of it is not counted there", c.Seen.Vantage, name)}
}

// guestMemory is the largest mapping of a monitor, in KiB, as the witness saw it: how much
// memory its guest has is not for the guest to say. 0 where it was told of none.
func (h *hosted) guestMemory(pid string) int64 {
	var largest int64
	for _, mapping := range h.lines("memory", pid) {
		if kib, err := strconv.ParseInt(mapping["kib"], 10, 64); err == nil {
			largest = max(largest, kib)
		}
	}
	return largest
}

// ended are the monitors of before that are not there any more.
func ended(before, after map[string]vmm) []string {
	var gone []string
	for pid, then := range before {
		if _, ok := after[pid]; !ok {
			gone = append(gone, fmt.Sprintf("%s (pid %s)", then.name, pid))
		}
	}
	slices.Sort(gone)
	return gone
}

type vmm struct {
	name              string
	cpuMicros, rssKiB int64
}

// vmms parses the witness's list of virtual machine monitors, by pid.
func (c *Case) vmms(round evidence.Round) (map[string]vmm, error) {
	o, err := c.observe(c.Evidence.View(evidence.Witness), round, "vmm-processes")
	if err != nil {
		return nil, fmt.Errorf("cannot be bound to a VMM: witness %w", err)
	}
	lines, ok := o.Values.List("processes")
	if !ok {
		return nil, fmt.Errorf("cannot be bound to a VMM: witness listed none in round %s: %s", round, why(o))
	}
	if cut(o) {
		return nil, fmt.Errorf("cannot be bound to a VMM: the node has more processes or descriptors than the witness looks at in round %s", round)
	}
	found := map[string]vmm{}
	for _, line := range lines {
		fields := keyValues(line)
		cpu, err1 := strconv.ParseInt(fields["cpu_us"], 10, 64)
		rss, err2 := strconv.ParseInt(fields["rss_kib"], 10, 64)
		if err1 != nil || err2 != nil || fields["pid"] == "" {
			return nil, fmt.Errorf("cannot be bound to a VMM: witness listed %.80q", line)
		}
		found[fields["pid"]] = vmm{name: fields["name"], cpuMicros: cpu, rssKiB: rss}
	}
	return found, nil
}
