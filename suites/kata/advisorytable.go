package kata

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/suites/katanode"
)

// advisories is the table of versions. Sources are the project's own advisories
// (github.com/kata-containers/kata-containers/security/advisories, and the KCSA notes
// in github.com/kata-containers/community/VMT/KCSA for those of 2020). Where an
// advisory names a commit and no release, the first release is the first tag of the
// project's repository that holds the commit.
func advisories() []advisory {
	return append(advisoriesOf2020(), advisoriesOf2026()...)
}

func advisoriesOf2020() []advisory {
	return []advisory{
		{
			id: "kata-advisory-2020-2026", title: "Kata is past the flaws of its guest's mounts and image of 2020",
			flaw:   "a guest's root changes the image for every guest after it (CVE-2020-2025), reaches the guest's root device (CVE-2020-2023), and makes the shim mount or unmount elsewhere on the node by links in the share (CVE-2020-2024, CVE-2020-2026)",
			source: "KCSA-CVE-2020-2023 to -2026", last: "1.11.0", fixed: "1.11.1", asks: []string{"fs-share-symlink", "blk-guest-root", "guest-image-immutable"},
			refs: []string{"CVE-2020-2023", "CVE-2020-2024", "CVE-2020-2025", "CVE-2020-2026"},
		},
		{
			id: "kata-advisory-2020-27151", title: "Kata is past the flaw by which annotations named programs of the node",
			flaw:   "a pod's annotations name programs and files of the node, which the shim runs and opens as root",
			source: "KCSA-CVE-2020-27151", last: "1.11.4", fixed: "1.11.5", other: []series{{"2.0.0-alpha0", "2.0.0"}}, asks: []string{"kata-config-path-annotations"},
			refs: []string{"CVE-2020-27151"},
		},
		{
			id: "kata-advisory-2020-28914", title: "Kata is past the flaw by which volumes for reading were written to",
			flaw: "a guest's root writes to volumes of the node that its pod may only read",
			// 2.0.0 and 2.0.1 were released without pull request 1062, which mends it.
			source: "KCSA-CVE-2020-28914", last: "1.11.4", fixed: "1.11.5", other: []series{{"2.0.0-alpha0", "2.0.2"}}, asks: []string{"fs-ro-volume"},
			refs: []string{"CVE-2020-28914"},
		},
	}
}

func advisoriesOf2026() []advisory {
	return []advisory{
		{
			id: "kata-advisory-2026-24054", title: "Kata is past the flaw by which a broken image brings the node's disk into the guest",
			flaw:   "an image without layers makes the shim take the node's own block device for the container's root and plug it into the guest: the node's file system is damaged or goes read-only. katacert never tries this one",
			source: "CVE-2026-24054, GHSA-5fc8-gg7w-3g5c", last: "3.25.0", fixed: "3.26.0",
			refs: []string{"CVE-2026-24054", "GHSA-5fc8-gg7w-3g5c"},
		},
		{
			id: "kata-advisory-2026-24834", title: "Kata is past the flaw that let containers write to the image under Cloud Hypervisor",
			flaw:   "a container opens the persistent memory that holds the guest's root file system, writes to it, and becomes root of the guest",
			source: "CVE-2026-24834, GHSA-wwj6-vghv-5p64", last: "3.26.0", fixed: "3.27.0", asks: []string{"blk-guest-root", "kata-config-image-nvdimm", "guest-image-immutable"},
			none: notOn("the flaw was Cloud Hypervisor's", "clh", "cloud-hypervisor"), rare: true,
			refs: []string{"CVE-2026-24834", "GHSA-wwj6-vghv-5p64"},
		},
		{
			id: "kata-advisory-2026-41326", title: "Kata is past the flaw of generated policies' copied files",
			flaw:   "policies of genpolicy allow links to be copied into the guest, through which the node's operator then writes anywhere in a confidential guest",
			source: "CVE-2026-41326, GHSA-q49m-57vm-c8cc", first: "3.4.0", last: "3.28.0", fixed: "3.29.0",
			none: withoutPolicy, rare: true,
			refs: []string{"CVE-2026-41326", "GHSA-q49m-57vm-c8cc"},
		},
		{
			id: "kata-advisory-2026-47243", title: "runtime-rs is past the flaw by which virtiofsd ran without its sandbox",
			flaw:   "runtime-rs starts virtiofsd with --sandbox none and --seccomp none: a guest's root makes links anywhere on the node through it",
			source: "CVE-2026-47243, GHSA-2gv2-cffp-j227", last: "3.30.0", fixed: "3.31.0", asks: []string{"virtiofsd-posture", "virtiofsd-arguments"},
			none: func(n *node) string {
				if n.config.Shim != katanode.RustShim {
					return fmt.Sprintf("%s runs the subject, and the flaw was runtime-rs'", n.config.Shim)
				}
				return withoutDaemon(n)
			},
			refs: []string{"CVE-2026-47243", "GHSA-2gv2-cffp-j227"},
		},
		{
			id: "kata-advisory-virtiofsd-args", title: "Kata is past the flaw by which an annotation gave virtiofsd any arguments",
			flaw:   "where the annotation virtio_fs_extra_args is enabled, as it was by default, a pod has virtiofsd share the node's root with its guest",
			source: "CVE-2026-44210, GHSA-rr59-xxvx-96qr", last: "3.30.0", fixed: "3.31.0", asks: []string{"kata-config-path-annotations", "virtiofsd-arguments"},
			none: withoutDaemon,
			refs: []string{"CVE-2026-44210", "GHSA-rr59-xxvx-96qr"},
		},
		{
			id: "kata-advisory-annotations", title: "Kata is past the flaws by which annotations chose its configuration and its mounts",
			flaw:   "a pod's annotation config_path chooses the configuration that the shim reads, and with it what is run on the node as root (CVE-2026-50540), and under runtime-rs its annotation sandbox_bind_mounts any path of the node for its guest (GHSA-7fhf-v3p3-rp56)",
			source: "CVE-2026-50540, GHSA-mp2j-xm59-qfgw, GHSA-7fhf-v3p3-rp56", last: "3.32.0", fixed: "4.0.0",
			refs: []string{"CVE-2026-50540", "GHSA-mp2j-xm59-qfgw", "GHSA-7fhf-v3p3-rp56"},
		},
		{
			id: "kata-advisory-dragonball-block", title: "Dragonball is past the flaw of its block devices' lengths",
			flaw:   "Dragonball does not hold a guest's request to a block device to the guest's memory: the guest's root reads and writes that of the shim, which is root of the node",
			source: "GHSA-fgm4-mv68-h344", last: "3.32.0", fixed: "4.0.0",
			none: notOn("the flaw was Dragonball's", "dragonball"), rare: true,
			refs: []string{"GHSA-fgm4-mv68-h344"},
		},
		{
			id: "kata-advisory-mem-agent", title: "The agent is past the flaw by which no policy held its memory agent",
			flaw:   "where the guest's memory agent is on, the node's operator has a confidential guest swap and evict its memory, whatever the policy says",
			source: "CVE-2026-64676, GHSA-h8jv-63p2-496x", last: "3.32.0", fixed: "4.0.0",
			none: func(n *node) string {
				if on, err := n.config.Bool(katanode.MemAgent, "mem_agent_enable", false); err == nil && !on {
					return "the guest's memory agent is off (mem_agent_enable)"
				}
				return withoutPolicy(n)
			},
			rare: true,
			refs: []string{"CVE-2026-64676", "GHSA-h8jv-63p2-496x"},
		},
		{
			id: "kata-advisory-policy-mounts", title: "Kata is past the flaw of generated policies' mounts",
			flaw:   "policies of genpolicy allow mounts of chosen guest paths, with which the node's operator gets into a confidential guest",
			source: "CVE-2026-77176, GHSA-fmg6-v47x-52wr", last: "4.0.0", fixed: "4.1.0",
			none: withoutPolicy, rare: true,
			refs: []string{"CVE-2026-77176", "GHSA-fmg6-v47x-52wr"},
		},
		{
			id: "kata-advisory-dragonball-memory", title: "Dragonball is past the flaws of its devices' memory",
			flaw:   "several virtio devices of Dragonball read and write beside the guest's memory, by which a guest gets out to the node",
			source: "release notes of Kata 4.3.0", last: "4.2.0", fixed: "4.3.0",
			untold: "The advisory's own text was not to be had: the release notes name 4.3.0 as the first version without the flaw, and no first version with it; all before are taken for affected.",
			none:   notOn("the flaw was Dragonball's", "dragonball"), rare: true,
			refs: []string{"NIST SI-16"},
		},
		{
			id: "kata-advisory-annotation-list", title: "Kata is past the flaw of its lists of annotations that are let through",
			flaw:   "lists of annotations let more through than was meant, and a pod's author changes the node and the guest by them",
			source: "release notes of Kata 4.3.0", last: "4.2.0", fixed: "4.3.0", asks: []string{"kata-config-annotations", "kata-config-passed-annotations"},
			untold: "The advisory's own text was not to be had: the release notes name 4.3.0 as the first version without the flaw, no first version with it, and say that existing installations must be looked through besides; all before are taken for affected where any list lets any annotation of Kata's through.",
			none:   withoutAnnotations,
			refs:   []string{"NIST AC-3"},
		},
	}
}

// notOn says that a node's hypervisor is none of those that had the flaw.
func notOn(whose string, hypervisors ...string) func(*node) string {
	return func(n *node) string {
		for _, name := range hypervisors {
			if n.config.Hypervisor == name {
				return ""
			}
		}
		return fmt.Sprintf("the hypervisor is %s, and %s", n.config.Hypervisor, whose)
	}
}

// withoutPolicy says that no policy holds the node off the guests.
func withoutPolicy(n *node) string {
	confidential, _ := n.config.Bool(katanode.Hypervisor, "confidential_guest", false)
	if confidential || policyClaimed(n) != "" {
		return ""
	}
	return "the flaw is one of policies that hold the node off a confidential guest; this handler's guests are not confidential, and no policy is claimed"
}

// withoutAnnotations says that no list lets an annotation of Kata's through.
func withoutAnnotations(n *node) string {
	enabled, err := n.config.List(katanode.Hypervisor, "enable_annotations")
	if err != nil || len(enabled) > 0 {
		return ""
	}
	for _, pattern := range n.runtime.PodAnnotations {
		if strings.HasPrefix(pattern, "io.katacontainers") || strings.ContainsAny(pattern, "*?[") {
			return ""
		}
	}
	for _, pattern := range n.runtime.ContainerAnnotations {
		if strings.HasPrefix(pattern, "io.katacontainers") || strings.ContainsAny(pattern, "*?[") {
			return ""
		}
	}
	return "enable_annotations is empty, and the container runtime passes no annotation of Kata's on to the shim"
}
