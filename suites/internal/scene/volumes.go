package scene

import (
	"maps"
	"slices"

	"github.com/katacert/katacert/probes/evidence"
)

// volumes adds what the pods did by their volumes and by the files of the kernel,
// and what of it the witness found on the node.
func (s *Scene) volumes(tenant Kernel) {
	witness, again := evidence.Witness, evidence.LookAgain
	s.more(evidence.Act, "planted", "handle /planting/x", "shared-folder /tmp/x.shared", "special-file watched for", "sealed in 3 volumes")
	s.Saw(witness, evidence.Look, "release-agent", evidence.Values{"hierarchies": list("/sys/fs/cgroup/memory")})

	privileged, shares := evidence.Weakened("privileged"), tenant.BootID == Node().BootID
	for _, v := range append(podVantages(), evidence.GuestRoot) {
		s.Saw(v, again, "open-by-handle", evidence.Values{"found": list(), "mounts": number(3)})
		s.Saw(v, again, "share-links", evidence.Values{"tried": list("absolute link: ENOENT")})
		s.Saw(v, again, "procsys", evidence.Values{"processes": list(), "boot_ids": list(), "vmcoreinfo": list()})
		s.Saw(v, again, "special-files", evidence.Values{"tried": list("character device: wrote")})
		s.Put(v, evidence.Look, evidence.Observation{Probe: "core-pattern", State: evidence.Denied, Errno: "EROFS"})
		s.Saw(v, evidence.Look, "release-agent", evidence.Values{"opened": list(), "tried": list("private mount: EPERM")})
		_, weakened := v.Weakness()
		if weakened || v == evidence.Reference || shares {
			s.more(evidence.Settle, "touched", "special-file "+Nonce(v, again))
		}
	}
	for _, v := range []evidence.Vantage{privileged, evidence.GuestRoot} {
		s.Saw(v, evidence.Look, "core-pattern", evidence.Values{"opened": list("/proc/sys/kernel/core_pattern")})
		s.Saw(v, evidence.Look, "release-agent", evidence.Values{"opened": list("private mount memory"), "tried": list("private mount memory: opened")})
		s.Saw(v, again, "sealed-volume", evidence.Values{"tried": list("as it is: EROFS")})
		if v == privileged || shares {
			s.more(evidence.Settle, "touched", "sealed "+Nonce(v, again))
		}
	}
	s.Saw(evidence.Weakened("dac-read-search"), again, "open-by-handle", evidence.Values{"found": list("/scratch"), "mounts": number(3)})
	s.Saw(evidence.Weakened("host-path-proc"), again, "procsys", evidence.Values{
		"processes": list("/host-proc/4711"), "boot_ids": list(Node().BootID), "vmcoreinfo": list()})
	s.more(evidence.Settle, "touched", "shared-folder "+Nonce(evidence.Weakened("host-path-tmp"), again))
}

// more adds lines to a list of the witness's plants.
func (s *Scene) more(round evidence.Round, reading string, lines ...string) {
	for _, o := range s.record(evidence.Witness, round).Observations {
		if o.Probe == "plants" {
			have, _ := o.Values.List(reading)
			values := maps.Clone(o.Values)
			values[reading] = list(slices.Concat(have, lines)...)
			s.Saw(evidence.Witness, round, "plants", values)
			return
		}
	}
}
