package scene

import "github.com/katacert/katacert/probes/evidence"

// nodeDevices are the device nodes of the node.
var nodeDevices = list("/dev/sda b 8:0", "/dev/sda1 b 8:1", "/dev/kvm c 10:232", "/dev/nvidia0 c 195:0")

// devices adds what the vantages open. A privileged container may open what its
// kernel has: on the node's kernel that is the node's, in a guest the guest's.
func (s *Scene) devices(tenant Kernel) {
	settings := evidence.Values{"opened": list("kernel.core_pattern"), "refused": list()}
	s.Saw(evidence.Witness, evidence.Look, "sysctls", settings)
	s.Saw(evidence.Witness, evidence.Look, "device-set", evidence.Values{"nodes": nodeDevices})
	s.Saw(evidence.Witness, evidence.Look, "kernel-memory", evidence.Values{"opened": list("/dev/mem", "/proc/kcore"), "refused": list()})
	for _, v := range append(podVantages(), evidence.GuestRoot) {
		s.Saw(v, evidence.LookAgain, "block-read", evidence.Values{"found": list(), "tried": list("node of its own: EPERM")})
		s.Saw(v, evidence.Look, "block-open", evidence.Values{"opened": list(), "refused": list("vda EPERM")})
		s.Saw(v, evidence.Look, "device-set", evidence.Values{"nodes": list()})
		s.Saw(v, evidence.LookAgain, "keyrings", evidence.Values{"found": list(), "keyrings": list("user EPERM")})
		s.Saw(v, evidence.Look, "sysctls", evidence.Values{"opened": list(), "refused": list("kernel.core_pattern EROFS")})
		s.Saw(v, evidence.Look, "kernel-memory", evidence.Values{"opened": list(), "refused": list("/dev/mem EPERM")})
	}
	s.Saw(evidence.GuestRoot, evidence.Look, "sysctls", settings)
	s.Saw(evidence.Weakened("seccomp-unconfined"), evidence.LookAgain, "keyrings", evidence.Values{"found": list("user"), "keyrings": list("user 1")})
	privileged := []evidence.Vantage{evidence.Weakened("privileged")}
	if tenant.BootID == Node().BootID {
		privileged = append(privileged, evidence.GuestRoot)
	} else {
		s.Saw(evidence.GuestRoot, evidence.Look, "block-open", evidence.Values{"opened": list("vda"), "refused": list()})
		s.Saw(evidence.GuestRoot, evidence.Look, "kernel-memory", evidence.Values{"opened": list("/proc/kcore"), "refused": list()})
	}
	for _, v := range privileged {
		s.Saw(v, evidence.LookAgain, "block-read", evidence.Values{"found": list("node in /dev"), "tried": list("node in /dev: done")})
		s.Saw(v, evidence.Look, "block-open", evidence.Values{"opened": list("sda"), "refused": list()})
		s.Saw(v, evidence.Look, "device-set", evidence.Values{"nodes": nodeDevices})
		s.Saw(v, evidence.Look, "sysctls", settings)
		s.Saw(v, evidence.Look, "kernel-memory", evidence.Values{"opened": list("/dev/mem", "/proc/kcore"), "refused": list()})
	}
}
