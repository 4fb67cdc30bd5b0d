package scene

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// sandboxID is the id of every sandbox of a scene.
const sandboxID = "s"

// sandboxProcesses adds by which processes the node runs the sandboxes: the plain
// container's shim, which nothing confines, and a monitor and a file server that are
// confined as well as can be.
func (s *Scene) sandboxProcesses(shim string) {
	const nodeNS = "cgroup:1,ipc:2,mnt:3,net:4,pid:5,user:6,uts:7"
	loose := "uid=0 root_threads=2 cap_eff=000001ffffffffff cap_bnd=000001ffffffffff threads=2 unfiltered=2 may_gain=2 bare=shim ns=" + nodeNS + " cgroup=/system.slice/containerd.service root=/ root_mount=/%20ext4 cwd=/"
	process := func(v evidence.Vantage, role string, pid, parent int, exe, rest string) string {
		return fmt.Sprintf("pod_uid=%s sandbox=%s role=%s pid=%d parent=%d exe=%s path=/usr/bin/%s sha256=00 %s", UID(v), sandboxID, role, pid, parent, exe, exe, rest)
	}
	var sandboxes, processes, arguments, memory []string
	pid := 100
	for _, v := range []evidence.Vantage{evidence.Reference, evidence.Subject, evidence.Neighbour} {
		name, hypervisor := shim, "qemu"
		if v == evidence.Reference || !strings.HasPrefix(shim, "containerd-shim-kata") {
			hypervisor = ""
		}
		if v == evidence.Reference {
			name = ShimRunc
		}
		sandboxes = append(sandboxes, fmt.Sprintf("pod_uid=%s sandbox=%s shim=%s pid=%d hypervisor=%s shared_fs=virtio-fs cid=%d netns=%d", UID(v), sandboxID, name, pid, hypervisor, pid, pid))
		processes = append(processes, process(v, "shim", pid, 1, name, loose))
		if hypervisor != "" {
			tight := fmt.Sprintf("uid=1000 root_threads=0 cap_eff=0000000000000000 cap_bnd=0000000000000000 threads=4 unfiltered=0 may_gain=0 bare= ns=cgroup:1,ipc:2,mnt:8,net:%d,pid:5,user:6,uts:7 cgroup=/kubepods/pod%s/s root=/ root_mount=/sandboxes/%s/shared%%20tmpfs cwd=/", pid, UID(v), sandboxID)
			processes = append(processes, process(v, "vmm", pid+1, pid, "qemu-system-x86_64", tight), process(v, "virtiofsd", pid+2, pid, "virtiofsd", tight))
			arguments = append(arguments, fmt.Sprintf("pid=%d n=000 arg=qemu-system-x86_64", pid+1), fmt.Sprintf("pid=%d n=001 arg=-append", pid+1), fmt.Sprintf("pid=%d n=002 arg=quiet", pid+1),
				fmt.Sprintf("pid=%d n=000 arg=virtiofsd", pid+2), fmt.Sprintf("pid=%d n=001 arg=--shared-dir=/run/kata-containers/shared/sandboxes/%s/shared", pid+2, sandboxID))
			memory = append(memory, fmt.Sprintf("pid=%d role=vmm kib=524288 perms=rw-s mergeable=0 path=/dev/shm/memory%%20(deleted) named=0", pid+1))
		}
		pid += 10
	}
	s.Saw(evidence.Witness, evidence.Look, "sandbox-processes", evidence.Values{"node_ns": text(nodeNS), "sandboxes": list(sandboxes...), "processes": list(processes...),
		"arguments": list(arguments...), "memory": list(memory...), "files": list(), "taps": list(), "unread": list()})
	var images []string
	if strings.HasPrefix(shim, "containerd-shim-kata") {
		for _, v := range []evidence.Vantage{evidence.Subject, evidence.Neighbour} {
			images = append(images, fmt.Sprintf("pod_uid=%s path=/opt/kata/image mode=0644 owner=0 writers= file=1.2.3.4.5", UID(v)))
		}
	}
	for _, round := range []evidence.Round{evidence.Look, evidence.Settle} {
		s.Saw(evidence.Witness, round, "guest-images", evidence.Values{"images": list(images...)})
	}
	s.Saw(evidence.Witness, evidence.Look, "mitigations", evidence.Values{"vulnerabilities": list("meltdown: Mitigation: PTI", "retbleed: Vulnerable"), "smt_active": text("1")})
	s.Saw(evidence.Subject, evidence.Look, "virtio", evidence.Values{"devices": list("virtio0 0001", "virtio1 001a")})
	s.Saw(evidence.Witness, evidence.Act, "vsock-ports", evidence.Values{"ports": list(), "inventory": text("whole")})
	s.Saw(evidence.Subject, evidence.LookAgain, "vsock-ports", evidence.Values{"reached": list(), "tried": number(1099)})
	s.Saw(evidence.Subject, evidence.LookAgain, "vsock-agent", evidence.Values{"own": text("reached"), "reached": list(), "refused": list("1024: ECONNRESET")})
}
