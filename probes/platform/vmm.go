package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// vmmNames begin the names of the virtual machine monitors that Kata Containers
// runs as processes of their own.
var vmmNames = []string{"qemu-system-", "qemu-kvm", "cloud-hypervisor", "firecracker", "stratovirt", "openvmm"}

// maxDescriptors bounds how many descriptors of other processes are looked at
// to find monitors of any other name.
const maxDescriptors = 200_000

// vmmProcesses lists the virtual machine monitors on the node with the CPU time
// they used so far (microseconds, all threads, guest included) and the memory
// they hold resident (KiB). A monitor is known by its name, or by holding a
// virtual machine of KVM: Dragonball is a part of Kata's shim.
func vmmProcesses(*probes.Context) evidence.Observation {
	return listVMMs(procfs)
}

func listVMMs(root string) evidence.Observation {
	all, truncated, err := processes(root)
	if err != nil {
		return probes.Unreadable(err)
	}
	var monitors []string
	budget := maxDescriptors
	for _, p := range all {
		if (!isVMM(p.exe) || p.contained()) && !holdsVM(p, &budget) {
			continue
		}
		cpu, cpuOK := cpuMicros(p)
		rss, rssOK := residentKiB(p)
		if cpuOK && rssOK { // else it ended meanwhile
			monitors = append(monitors, fmt.Sprintf("pid=%d name=%s cpu_us=%d rss_kib=%d", p.pid, p.exe, cpu, rss))
		}
	}
	values := evidence.Values{"processes": evidence.List(monitors...)}
	if truncated || budget <= 0 {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

func isVMM(exe string) bool {
	return slices.ContainsFunc(vmmNames, func(name string) bool { return strings.HasPrefix(exe, name) })
}

// holdsVM says whether a process holds a descriptor of a KVM virtual machine
// (KVM_CREATE_VM), and takes the descriptors it looked at off the budget.
func holdsVM(p process, budget *int) bool {
	if *budget <= 0 {
		return false
	}
	folder, err := os.Open(filepath.Join(p.dir, "fd"))
	if err != nil {
		return false
	}
	defer func() { _ = folder.Close() }()
	names, err := folder.Readdirnames(*budget)
	if err != nil {
		return false
	}
	*budget -= len(names)
	return slices.ContainsFunc(names, func(name string) bool {
		target, err := os.Readlink(filepath.Join(p.dir, "fd", name))
		return err == nil && target == "anon_inode:kvm-vm"
	})
}

// cpuMicros returns the CPU time of a process in microseconds: exact to the
// nanosecond from the threads that live (Documentation/scheduler/sched-stats.rst),
// or with those that ended from proc_pid_stat(5), which counts in ticks,
// whichever is more.
func cpuMicros(p process) (int64, bool) {
	stat, err := kernfs.Read(filepath.Join(p.dir, "stat"))
	if err != nil {
		return 0, false
	}
	whole, ok := statMicros(string(stat))
	if !ok {
		return 0, false
	}
	// A thread that ends between the two reads is only missing from the sum.
	threads, _ := filepath.Glob(filepath.Join(p.dir, "task/*/schedstat"))
	var sum int64
	for _, thread := range threads {
		line, err := kernfs.Line(thread)
		if err != nil {
			continue
		}
		onCPU, _, _ := strings.Cut(line, " ")
		if nanos, err := strconv.ParseInt(onCPU, 10, 64); err == nil {
			sum += nanos / 1000
		}
	}
	return max(whole, sum), true
}

// statMicros adds user and system time of a stat line, in microseconds.
func statMicros(stat string) (int64, bool) {
	// The second field is the name in brackets and may hold anything.
	rest, found := afterLast(stat, ") ")
	fields := strings.Fields(rest)
	const utime, stime = 14 - 3, 15 - 3 // numbered from 1; rest begins with the third
	if !found || len(fields) <= stime {
		return 0, false
	}
	user, err1 := strconv.ParseInt(fields[utime], 10, 64)
	system, err2 := strconv.ParseInt(fields[stime], 10, 64)
	// USER_HZ is 100 on every architecture that runs Kubernetes.
	const tickMicros = 1e6 / 100
	return (user + system) * tickMicros, err1 == nil && err2 == nil
}

func afterLast(s, separator string) (after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[i+len(separator):], true
	}
	return "", false
}

// residentKiB returns VmRSS of proc_pid_status(5), and with it the huge pages that a guest
// may be backed by, which VmRSS leaves out.
func residentKiB(p process) (int64, bool) {
	status, err := kernfs.Read(filepath.Join(p.dir, "status"))
	if err != nil {
		return 0, false
	}
	return residentOf(string(status))
}

func residentOf(status string) (sum int64, ok bool) {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		if name != "VmRSS" && name != "HugetlbPages" {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, false
		}
		sum, ok = sum+kib, ok || name == "VmRSS"
	}
	return sum, ok
}
