package scene

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
)

// Mark is the mark of an annotation's trial.
func Mark(name string) string { return "mark0" + fmt.Sprint(len(name)) }

// Annotations are those that are tried on Kata Containers.
var Annotations = []string{"config-path", "default-memory", "default-vcpus", "disable-new-netns", "guest-seccomp", "image",
	"kernel-modules", "kernel-params", "path", "sandbox-bind-mounts", "sandbox-cgroup-only", "virtio-fs-daemon", "virtio-fs-extra-args"}

// annotations adds what becomes of pods with one annotation each, of which none has
// an effect: what Kata's Go shim refuses, and what its Rust shim ignores.
func (s *Scene) annotations(tenant Kernel) {
	var asked, said []string
	s.inTrial(evidence.Subject, tenant)
	s.more(evidence.Settle, "touched", "called proof")
	for _, name := range Annotations {
		result := "ran"
		switch name {
		case "kernel-modules", "kernel-params":
			result = "refused"
			said = append(said, "asked "+name+": annotation io.katacontainers.config is not enabled")
		default:
			s.inTrial(evidence.Annotated(name), tenant)
		}
		asked = append(asked, fmt.Sprintf("what=%s result=%s mark=%s", name, result, Mark(name)))
	}
	for _, name := range []string{"sandbox-cgroup-only", "virtio-fs-extra-args"} {
		var processes, arguments []string
		for i, v := range []evidence.Vantage{evidence.Subject, evidence.Annotated(name)} {
			processes = append(processes, fmt.Sprintf("pod_uid=%s role=virtiofsd pid=%d exe=virtiofsd cgroup=/kubepods/pod%s/kata_x", UID(v), 20+i, UID(v)))
			arguments = append(arguments, fmt.Sprintf("pid=%d n=000 arg=virtiofsd", 20+i))
		}
		s.Saw(evidence.Witnessed(name), evidence.Trial, "sandbox-processes", evidence.Values{"processes": list(processes...), "arguments": list(arguments...)})
	}
	s.Saw(evidence.Witnessed("sandbox-bind-mounts"), evidence.Trial, "called-mounts", evidence.Values{"mounts": list(), "looked": list(UID(evidence.Annotated("sandbox-bind-mounts")))})
	s.Saw(evidence.API, evidence.Look, "annotations", evidence.Values{"asked": list(asked...), "said": list(said...)})
}

// inTrial adds what a pod sees beside others that differ in an annotation.
func (s *Scene) inTrial(v evidence.Vantage, k Kernel) {
	s.Saw(v, evidence.Trial, "cmdline", evidence.Values{"cmdline": text(k.Cmdline), "words": list(k.Word)})
	s.Saw(v, evidence.Trial, "load", evidence.Values{"mem_total_kib": number(k.MemoryKiB), "cpus": number(1)})
	s.Saw(v, evidence.Trial, "posture", evidence.Values{"seccomp": number(2)})
	s.Saw(v, evidence.Trial, "links", evidence.Values{"names": list("eth0")})
}
