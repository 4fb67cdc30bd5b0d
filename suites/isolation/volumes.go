package isolation

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// volumes are the controls of group filesystem that ask what a pod can do by its
// mounts: the places where files of the node come into a sandbox by design.
func volumes() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "fs-open-by-handle",
			Title:     "A file of the node cannot be opened by its handle",
			Why:       "Handles name files without paths: with one mount of a file system, and the capability DAC_READ_SEARCH, a container opens every file of it, the keys of the kubelet among them.",
			Proves:    "The handle of a file planted beside the pods' volumes opened nothing through any of the pod's mounts.",
			ProvesNot: "What a pod could open that was granted DAC_READ_SEARCH; admission has to keep it from being granted.",
			OnFail:    "Drop the capability DAC_READ_SEARCH from the pod. If the pod has not got it, its seccomp filter or the sandbox's file sharing takes handles of the node.",
			Profile:   catalogue.Nightly,
			Safety:    catalogue.Plants,
			Rule:      byWeakness("dac-read-search", judge.Planted("handle", "open-by-handle", "found")),
			// gVisor has no such system call.
			Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
			Refs:     catalogue.Refs("NIST AC-3", "NIST AC-6", "SP800-190 3.4", "CIS 5.2.8", "ATT&CK T1611", "ATT&CK T1005"),
		},
		{
			ID:        "fs-share-symlink",
			Title:     "Links in a shared volume lead nowhere on the node",
			Why:       "A volume is a folder of the node that something on the node opens for the pod: if that follows the pod's links, it writes where the pod points.",
			Proves:    "No write through absolute links, chains of \"..\" and a link that took the place of a folder arrived in a folder of the node into which everyone may write.",
			ProvesNot: "What the runtime itself follows when it sets up the mounts of the next container.",
			OnFail:    "The sandbox's file server follows links of the guest. Upgrade it (virtiofsd, the gofer), and see the advisory of CVE-2020-2026; a volume of the node's /tmp has the same effect.",
			Profile:   catalogue.Certification,
			Safety:    catalogue.Plants,
			OptIn:     []string{"share-links"},
			Rule:      byWeakness("host-path-tmp", judge.LeftOnNode("shared-folder", "share-links")),
			Refs:      catalogue.Refs("NIST AC-3", "NIST SC-4", "SP800-190 3.5", "ATT&CK T1611", "CVE-2020-2026", "CVE-2021-25741"),
		},
		{
			ID:        "fs-procsys-link",
			Title:     "No volume of the pod shows the node's procfs or sysfs",
			Why:       "A volume whose path resolves to /proc or /sys of the node, by a link on the node for example, brings the node's processes and kernel settings into the pod.",
			Proves:    "At no mount of the pod besides its own /proc and /sys, nor directly below one, were the node's boot id, the address of its vmcoreinfo or a planted process to be found.",
			ProvesNot: "A procfs deeper inside a volume.",
			OnFail:    "Take the volume from the pod: look at what its path is on the node. Forbid hostPath by Pod Security admission (level baseline).",
			Profile:   catalogue.Certification,
			Safety:    catalogue.Plants,
			OptIn:     []string{"procsys"},
			Rule:      byWeakness("host-path-proc", judge.ShowsNodesProcSys()),
			Refs:      catalogue.Refs("NIST AC-3", "NIST SC-4", "CIS 5.2.12", "ATT&CK T1611", "ATT&CK T1057", "CVE-2021-30465"),
		},
		{
			ID:        "fs-special-files",
			Title:     "A device node made in a volume is none on the node",
			Why:       "A device node in a shared folder is one on the node too: whoever on the node opens what a tenant put there opens a device, and so does a file server that opens it for the guest.",
			Proves:    "A character device made in the pod's volume was refused, or is no device in the node's folder of that volume.",
			ProvesNot: "What a setuid file in the folder is worth to a user of the node; whether it arrives is recorded.",
			OnFail:    "The boundary held: the node has to open the file before anything happens. Mount the kubelet's folder nodev and nosuid, run the sandbox's file server without MKNOD (virtiofsd --modcaps=-mknod), and drop the capability from pods; see the advisory of CVE-2020-35517.",
			Level:     catalogue.Hardening,
			Profile:   catalogue.Destructive,
			Safety:    catalogue.Disturbs,
			OptIn:     []string{"special-files"},
			// Plain containers have MKNOD by default, and the device cgroup alone keeps
			// them from using what they make.
			Rule: byReference(judge.LeftOnNode("special-file", "special-files")),
			// Kata 4.1 shares emptyDir volumes by virtiofsd, which keeps MKNOD.
			Expected: map[judge.Kind]judge.Result{judge.KindVM: judge.Fail},
			Refs:     catalogue.Refs("NIST AC-3", "NIST CM-7", "SP800-190 3.4", "CIS 5.2.8", "ATT&CK T1611", "CVE-2020-35517"),
		},
		{
			ID:        "fs-ro-volume",
			Title:     "The guest's root cannot change a volume that is read-only",
			Why:       "Datasets and weights are given to several tenants read-only. If that is a flag of a mount in the guest, whoever is root there takes it off and changes them for everybody.",
			Proves:    "After every attempt of the guest's root, remounts and mounts of its own among them, the node's file in a read-only volume was unchanged.",
			ProvesNot: "Volumes of other types than emptyDir, which the runtime may share in another way.",
			OnFail:    "Have the runtime bind the folder read-only on the node before it shares it; see the advisory of CVE-2020-28914.",
			Profile:   catalogue.Destructive,
			Safety:    catalogue.Disturbs,
			OptIn:     []string{"sealed-volume"},
			Rule: &judge.Rule{Detects: judge.LeftOnNode("sealed", "sealed-volume"), Control: evidence.Weakened("privileged"),
				Subject: evidence.GuestRoot},
			Refs: catalogue.Refs("NIST AC-3", "NIST AC-6", "NIST SI-7", "SP800-190 3.4", "ATT&CK T1611", "ATT&CK T1565", "CVE-2020-28914"),
		},
	}
}
