package scene

import (
	"fmt"
	"maps"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// Kernel is what a running kernel and its machine show of themselves.
type Kernel struct {
	BootID, Address, BuildID, Release, Cmdline, Word string
	BootNanos, MemoryKiB                             int64
	Load, UUID, Disk, PCI, Overlay, Module           string
	// First is where the kernel's counters stand in the first look; they move by
	// Moves until the second.
	First, Moves int64
	// Cgroups are counted likewise, by CgroupsMade more.
	Cgroups, CgroupsMade int64
}

// Node is the kernel of the node.
func Node() Kernel {
	return Kernel{BootID: "node-boot", Address: "10a0000", BuildID: "aaaa", Release: "6.12.0-node",
		Cmdline: "BOOT_IMAGE=/boot/vmlinuz root=UUID=node-root-uuid ro quiet", Word: "node-root-uuid",
		BootNanos: 1_700_000_000e9, MemoryKiB: 64 << 20, Load: "1.25 0.75 0.50", UUID: "node-uuid", Disk: "serial:node-disk",
		PCI: "0000:00:02.0 10de:2330", Overlay: "/var/lib/containerd/snapshots/1/fs", Module: "node_module",
		First: 10_010, Moves: 420, Cgroups: 100, CgroupsMade: 37}
}

// Guest is the kernel of a virtual machine of its own.
func Guest() Kernel {
	return Kernel{BootID: "guest-boot", Address: "20b0000", BuildID: "bbbb", Release: "6.18.0-kata",
		Cmdline: "root=/dev/pmem0p1 systemd.unit=kata-containers.target agent.log=info", Word: "guest-image-uuid",
		BootNanos: 1_800_000_000e9, MemoryKiB: 2 << 20, Load: "0.10 0.02 0.01", UUID: "guest-uuid", Disk: "serial:guest-disk",
		PCI: "0000:00:01.0 1af4:1041", Overlay: "kataShared", Module: "guest_module",
		First: 300, Moves: 12, Cgroups: 9}
}

// SameBuild is a guest that runs the node's own build of a kernel.
func SameBuild() Kernel {
	guest, node := Guest(), Node()
	guest.BuildID, guest.Release = node.BuildID, node.Release
	return guest
}

// Weaknesses are those of the weakened vantages of a whole session.
var Weaknesses = []string{"host-path-root", "host-path-run", "host-pid", "host-ipc", "host-network", "syslog", "privileged", "leaked-descriptor",
	"host-path-tmp", "host-path-proc", "dac-read-search", "seccomp-unconfined", "net-raw"}

// shims of the kinds of runtime.
const (
	ShimRunc = "containerd-shim-runc-v2"
	ShimKata = "containerd-shim-kata-v2"
)

// Whole is a whole session of a target: every vantage, round and probe of the
// catalogue. The tenants' pods run under the given shim on the given kernel; on
// the node's own they are plain containers.
func Whole(shim string, tenant Kernel) *Scene {
	s, node := New(), Node()
	s.witness(node, shim)
	s.vantage(evidence.Reference, node)
	s.work(evidence.Reference, evidence.Look)
	for _, weakness := range Weaknesses {
		s.weakened(weakness, node)
	}
	s.vantage(evidence.Subject, tenant)
	s.work(evidence.Subject, evidence.LookAgain)
	other := tenant
	if tenant.BootID != node.BootID {
		other.BootID, other.UUID = "neighbour-boot", "neighbour-uuid"
	}
	s.vantage(evidence.Neighbour, other)
	s.vantage(evidence.GuestRoot, tenant)
	s.pageCaches(tenant)
	s.Saw(evidence.API, evidence.Look, "runtimeclass", evidence.Values{
		"runtime_class": text("kata-runtime"), "handler": text("kata"), "node_handlers": list("kata", "runc"),
		"subject_runtime_class": text("kata-runtime"), "neighbour_runtime_class": text("kata-runtime"), "trainer_runtime_class": text("kata-runtime")})
	s.tenants()
	s.touch()
	s.network()
	s.api(shim)
	s.devices(tenant)
	s.volumes(tenant)
	s.coveredPaths()
	s.sandboxProcesses(shim)
	s.annotations(tenant)
	return s.trainer()
}

// vantage adds what a pod on the kernel sees in both looks, without weakness.
func (s *Scene) vantage(v evidence.Vantage, k Kernel) {
	for probe, values := range k.identity() {
		s.Saw(v, evidence.Look, probe, values)
	}
	s.Saw(v, evidence.Look, "random", evidence.Values{"getrandom": text("drawn by " + string(v)), "urandom": text("read by " + string(v))})
	for i, round := range []evidence.Round{evidence.Look, evidence.LookAgain} {
		count := number(k.First + int64(i)*k.Moves)
		s.Saw(v, round, "counters", evidence.Values{"processes": count, "interrupts": count, "context_switches": count, "uevent_seqnum": count})
		s.Saw(v, round, "interrupts", evidence.Values{"total": count, "intr_total": count, "softirq_total": count, "modules": list(k.Module)})
		s.Saw(v, round, "load", k.load())
		s.Saw(v, round, "cgroups", evidence.Values{"num_memory": number(k.Cgroups + int64(i)*k.CgroupsMade)})
	}
	partitions := list("vda 2048")
	if k.BootID == Node().BootID {
		partitions = list("sda 4096", "loop7 8198")
	}
	s.Saw(v, evidence.LookAgain, "partitions", evidence.Values{"entries": partitions})
	s.Saw(v, evidence.Look, "posture", evidence.Values{"cap_eff": text("00000000a80425fb"), "no_new_privs": number(1), "seccomp": number(2)})
	s.Saw(v, evidence.Look, "descriptors", evidence.Values{"outside": list()})
	s.Saw(v, evidence.Look, "device-nodes", evidence.Values{"present": list(), "opened": list()})
	for probe, reading := range searches {
		s.Saw(v, evidence.LookAgain, probe, evidence.Values{reading: list()})
	}
}

// searches are the probes that look for what was planted, with the reading that
// holds what they found.
var searches = map[string]string{"runtime-sockets": "reachable", "canary-walk": "found", "planted-process": "seen",
	"kmsg": "found", "ipc": "found", "abstract-socket": "found"}

// found says by which weakness a search finds.
var found = map[string]string{"host-path-root": "canary-walk", "host-path-run": "runtime-sockets", "host-pid": "planted-process",
	"host-ipc": "ipc", "host-network": "abstract-socket", "syslog": "kmsg"}

func (s *Scene) weakened(weakness string, node Kernel) {
	v := evidence.Weakened(weakness)
	s.vantage(v, node)
	switch weakness {
	case "privileged":
		s.Saw(v, evidence.Look, "posture", evidence.Values{"cap_eff": text("000001ffffffffff"), "no_new_privs": number(0), "seccomp": number(0)})
		s.Saw(v, evidence.Look, "device-nodes", evidence.Values{"present": list("/dev/kvm"), "opened": list("/dev/kvm")})
	case "leaked-descriptor":
		s.Saw(v, evidence.Look, "descriptors", evidence.Values{"outside": list("fd 7: /host/var")})
	case "seccomp-unconfined", "net-raw": // see devices and touch
	case "host-path-tmp", "host-path-proc", "dac-read-search": // see volumes
	default:
		s.Saw(v, evidence.LookAgain, found[weakness], evidence.Values{searches[found[weakness]]: list("token")})
	}
}

func (s *Scene) witness(node Kernel, shim string) {
	v := evidence.Witness
	s.Saw(v, evidence.Look, "random", evidence.Values{"getrandom": text("drawn by the node"), "urandom": text("read by the node")})
	for probe, values := range node.identity() {
		s.Saw(v, evidence.Look, probe, values)
	}
	s.Saw(v, evidence.Look, "device-nodes", evidence.Values{"present": list("/dev/kvm"), "opened": list("/dev/kvm")})
	names := []string{"processes", "interrupts", "context_switches", "uevent_seqnum"}
	totals := []string{"total", "intr_total", "softirq_total"}
	for _, at := range []struct {
		round         evidence.Round
		before, count int64
	}{{evidence.Look, 0, node.First - 10}, {evidence.Act, node.First + 10, node.First + node.Moves - 10}, {evidence.Settle, 0, node.First + node.Moves + 10}} {
		s.Saw(v, at.round, "counters", counted(names, at.before, at.count))
		s.Saw(v, at.round, "interrupts", counted(totals, at.before, at.count))
	}
	s.Set(v, evidence.Look, "interrupts", "modules", list(node.Module))
	for _, round := range []evidence.Round{evidence.Look, evidence.LookAgain} {
		s.Saw(v, round, "load", node.load())
	}
	s.Saw(v, evidence.Act, "cgroups", evidence.Values{"hierarchy": text("memory"), "created": number(node.CgroupsMade), "num_memory": number(node.Cgroups + node.CgroupsMade)})
	s.Saw(v, evidence.Act, "plants", evidence.Values{
		"planted": list("file /run/canary", "process 4711", "kmsg 1", "shm 1", "socket @x", "loopback 127.0.0.1:1", "loopback-udp 127.0.0.1:1", "kubelet stand-in at port 1", "loop loop7", "key 4711", "raw-frame on every interface", "called /var/lib/x", "vsock port 1"), "failed": list(),
		"loop_device": text("/dev/loop7"), "loop_sectors": number(8198)})
	s.Saw(v, evidence.Settle, "plants", evidence.Values{"reverted": list("file /run/canary"), "left": list(), "touched": list(), "untold": list()})
	var sandboxes []string
	for _, p := range []struct {
		v             evidence.Vantage
		shim, handler string
	}{{evidence.Reference, ShimRunc, "runc"}, {evidence.Subject, shim, "kata"}, {evidence.Neighbour, shim, "kata"}, {evidence.Trainer, shim, "kata"}} {
		sandboxes = append(sandboxes, fmt.Sprintf("pod_uid=%s sandbox=s handler=%s shim=%s sha256=00 pid=1", UID(p.v), p.handler, p.shim))
	}
	s.Saw(v, evidence.LookAgain, "shims", evidence.Values{"sandboxes": list(sandboxes...)})
	moves := int64(0)
	if strings.HasPrefix(shim, "containerd-shim-kata") {
		moves = 1
	}
	for i, round := range []evidence.Round{evidence.Look, evidence.Act, evidence.Settle} {
		spent := int64(i/2) * moves // the subject works between act and settle
		s.Saw(v, round, "vmm-processes", VMMs(VMM{PID: 10, CPUMicros: 5000 + spent*burnCPU, RSSKiB: 9000 + spent*burnBytes>>10}, VMM{PID: 11, CPUMicros: 7000, RSSKiB: 9000}))
	}
}

// What a vantage burns.
const burnCPU, burnBytes = int64(200_000), int64(64 << 20)

func (s *Scene) work(v evidence.Vantage, round evidence.Round) {
	s.Saw(v, round, "burn", evidence.Values{"cpu_us": number(burnCPU), "memory_bytes": number(burnBytes)})
}

// VMM is one virtual machine monitor as the witness lists it.
type VMM struct{ PID, CPUMicros, RSSKiB int64 }

// VMMs are the readings of the probe that lists them.
func VMMs(monitors ...VMM) evidence.Values {
	var lines []string
	for _, m := range monitors {
		lines = append(lines, fmt.Sprintf("pid=%d name=qemu-system-x86_64 cpu_us=%d rss_kib=%d", m.PID, m.CPUMicros, m.RSSKiB))
	}
	return evidence.Values{"processes": list(lines...)}
}

func (s *Scene) trainer() *Scene {
	for _, v := range []evidence.Vantage{evidence.Trainer, evidence.TrainerReference, evidence.TrainerBlock} {
		s.Saw(v, evidence.Look, "training", evidence.Values{
			"loss_first_micro": number(2_300_000), "loss_last_micro": number(150_000),
			"control_loss_first_micro": number(2_300_000), "control_loss_last_micro": number(2_300_000),
			"control_corrupt_refused": number(1), "dataset_ok": number(1), "reloaded_ok": number(1), "steps": number(100),
			"checkpoint_bytes": number(4096), "checkpoint_sha256": text(strings.Repeat("0", 64)),
			"dataset_sha256": text(strings.Repeat("1", 64)), "weights_sha256": text(strings.Repeat("2", 64)),
			"weights_again_sha256": text(strings.Repeat("2", 64)), "weights_other_seed_sha256": text(strings.Repeat("3", 64)),
			"framework": text("PyTorch 2.11.0"), "device": text("cpu"),
		})
	}
	return s
}

// identity are the readings that tell one machine from another.
func (k Kernel) identity() map[string]evidence.Values {
	return map[string]evidence.Values{
		"boot-id":      {"boot_id": text(k.BootID)},
		"boot-time":    {"boot_epoch_ns": number(k.BootNanos)},
		"vmcoreinfo":   {"address": text(k.Address)},
		"vdso":         {"build_id": text(k.BuildID)},
		"kernel-notes": {"build_id": text(k.BuildID)},
		"uname":        {"release": text(k.Release), "version": text("#1 SMP " + k.BuildID)},
		"cmdline":      {"cmdline": text(k.Cmdline), "words": list(k.Word)},
		"cpuid":        {"vendor": text("KVMKVMKVM")},
		"mountinfo":    {"overlay_dirs": list(k.Overlay)},
		"disk-ids":     {"ids": list(k.Disk)},
		"dmi":          {"product_uuid": text(k.UUID), "product_name": text("Machine")},
		"pci":          {"devices": list(k.PCI)},
	}
}

func (k Kernel) load() evidence.Values {
	return evidence.Values{"mem_total_kib": number(k.MemoryKiB), "loadavg": text(k.Load)}
}

// counted are counters at one count, with the count before the witness's act
// where it has one.
func counted(names []string, before, count int64) evidence.Values {
	values := evidence.Values{}
	for _, name := range names {
		maps.Copy(values, evidence.Values{name: number(count)})
		if before > 0 {
			values[name+"_before"] = number(before)
		}
	}
	return values
}

func text(s string) evidence.Value        { return evidence.Text(s) }
func number(n int64) evidence.Value       { return evidence.Number(n) }
func list(items ...string) evidence.Value { return evidence.List(items...) }
