package isolation

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

const filesystemOnFail = "The pod reaches files of the node. Compare its volumes and the runtime's shared folders with what the tenant declared; forbid hostPath by Pod Security admission (level baseline)."

// Filesystem are the controls of group filesystem.
func Filesystem() []catalogue.Control {
	return complete(append([]catalogue.Control{
		{
			ID:        "fs-canary-walk",
			Title:     "A file planted on the node is nowhere to be found from the pod",
			Why:       "If a file with a random content is found from inside, by whatever path, so are the node's keys and the other tenants' datasets.",
			Proves:    "A bounded search from every root that the pod can reach did not come upon the canaries planted below /run, /var/lib, /var/log and /tmp of the node.",
			ProvesNot: "Folders of the node without a canary, and paths beyond the bound of the search.",
			Safety:    catalogue.Plants,
			Rule:      byWeakness("host-path-root", judge.Planted("file", "canary-walk", "found")),
			Refs:      catalogue.Refs("NIST AC-3", "NIST AC-6", "NIST SC-4", "CIS 5.2.12", "ATT&CK T1611", "ATT&CK T1083"),
		},
		{
			ID:        "fs-overlay-paths",
			Title:     "The pod's mount table names no path of the node",
			Why:       "On a shared kernel the mount table tells where the node keeps images and volumes: a map for the next step of an escape.",
			Proves:    "No overlay folder of the node occurs in the pod's mount table.",
			ProvesNot: "Paths that a runtime passes by other ways than the mount table.",
			Rule:      byReference(judge.SharesAny("mountinfo", "overlay_dirs")),
			Refs:      catalogue.Refs("NIST SC-4", "ATT&CK T1083", "ATT&CK T1082"),
		},
		{
			ID:        "fs-runtime-socket",
			Title:     "No control socket of the node answers in the pod",
			Why:       "Whoever can talk to containerd, the CRI or the kubelet's plugin sockets owns the node.",
			Proves:    "None of the usual sockets below any mount of the pod accepted a connection, nor any socket that is itself mounted, whatever its name.",
			ProvesNot: "Sockets of other names in mounted folders.",
			Rule:      byWeakness("host-path-run", judge.Reached("runtime-sockets", "reachable", evidence.LookAgain)),
			Refs:      catalogue.Refs("NIST AC-6", "CIS 5.2.12", "ATT&CK T1611", "ATT&CK T1610"),
		},
		{
			ID:        "fs-leaked-descriptor",
			Title:     "The pod's first process inherited no way out of its root",
			Why:       "A working directory or file descriptor left open by the runtime leads straight to the node's files.",
			Proves:    "No descriptor, working directory or executable of a process started in the pod leads outside of its root.",
			ProvesNot: "Descriptors that a later version of the runtime may leak on other paths than exec.",
			OnFail:    "Upgrade runc or the sandbox runtime; see the advisories of CVE-2024-21626 and CVE-2019-5736.",
			Rule:      byWeakness("leaked-descriptor", judge.Reached("descriptors", "outside", evidence.Look)),
			Refs:      catalogue.Refs("NIST AC-3", "ATT&CK T1611", "CVE-2024-21626", "CVE-2019-5736"),
		},
	}, append(volumes(), kernelFiles()...)...), catalogue.Filesystem, filesystemOnFail)
}
