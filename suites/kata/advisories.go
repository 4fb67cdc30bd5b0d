package kata

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// advisory is a published flaw of Kata, and the first version without it.
type advisory struct {
	id, title string
	// flaw says what the flaw lets happen, source where it is told.
	flaw, source string
	// last had the flaw as far as is known, and fixed has it no more.
	last, fixed string
	// asks names the controls that ask the running sandbox itself.
	asks []string
	// none says why a node cannot have the flaw whatever its version.
	none func(*node) string
	refs []string
}

// advisories is the table of versions. Sources are the project's own advisories
// (github.com/kata-containers/kata-containers/security/advisories, and the KCSA notes
// in github.com/kata-containers/community/VMT/KCSA for those of 2020).
func advisories() []advisory {
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
			source: "KCSA-CVE-2020-27151", last: "1.11.4", fixed: "1.11.5", asks: []string{"kata-config-path-annotations"},
			refs: []string{"CVE-2020-27151"},
		},
		{
			id: "kata-advisory-2020-28914", title: "Kata is past the flaw by which volumes for reading were written to",
			flaw:   "a guest's root writes to volumes of the node that its pod may only read",
			source: "KCSA-CVE-2020-28914", last: "1.11.4", fixed: "1.11.5", asks: []string{"fs-ro-volume"},
			refs: []string{"CVE-2020-28914"},
		},
		{
			id: "kata-advisory-2026-24054", title: "Kata is past the flaw by which a broken image brings the node's disk into the guest",
			flaw:   "an image without layers makes the shim take the node's own block device for the container's root and plug it into the guest: the node's file system is damaged or goes read-only. katacert never tries this one",
			source: "CVE-2026-24054", last: "3.25.0", fixed: "3.26.0",
			refs: []string{"CVE-2026-24054"},
		},
		{
			id: "kata-advisory-2026-24834", title: "Kata is past the flaw that let containers write to the image under Cloud Hypervisor",
			flaw:   "a container opens the persistent memory that holds the guest's root file system, writes to it, and becomes root of the guest",
			source: "CVE-2026-24834", last: "3.26.0", fixed: "3.27.0", asks: []string{"blk-guest-root", "kata-config-image-nvdimm", "guest-image-immutable"},
			none: func(n *node) string {
				if name := n.config.Hypervisor; name != "clh" && name != "cloud-hypervisor" {
					return fmt.Sprintf("the hypervisor is %s, and the flaw was Cloud Hypervisor's", name)
				}
				return ""
			},
			refs: []string{"CVE-2026-24834"},
		},
		{
			id: "kata-advisory-2026-41326", title: "Kata is past the flaw of the agent's CopyFile",
			flaw:   "the agent's request to copy a file into the guest writes outside of the folder that is meant for it",
			source: "CVE-2026-41326", last: "3.28.0", fixed: "3.29.0",
			refs: []string{"CVE-2026-41326"},
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
			flaw:   "where the annotation virtio_fs_extra_args is enabled, a pod has virtiofsd share the node's root with its guest",
			source: "GHSA-rr59-xxvx-96qr", last: "3.30.0", fixed: "3.31.0", asks: []string{"kata-config-path-annotations", "virtiofsd-arguments"},
			none: withoutDaemon,
			refs: []string{"GHSA-rr59-xxvx-96qr"},
		},
		{
			id: "kata-advisory-annotations", title: "Kata is past the flaws by which annotations chose its configuration and its mounts",
			flaw:   "a pod's annotations config_path and sandbox_bind_mounts are obeyed: it chooses the configuration that the shim reads, and paths of the node for its guest",
			source: "the release notes of Kata 4.0.0", last: "3.31.0", fixed: "4.0.0",
			refs: []string{"NIST AC-3"},
		},
		{
			id: "kata-advisory-policy-mounts", title: "Kata is past the flaw of generated policies' mounts",
			flaw:   "policies of genpolicy allow mounts of chosen guest paths, with which the node's operator gets into a confidential guest",
			source: "GHSA-fmg6-v47x-52wr", last: "4.0.0", fixed: "4.1.0",
			none: func(n *node) string {
				confidential, _ := n.config.Bool(katanode.Hypervisor, "confidential_guest", false)
				if !confidential && policyClaimed(n) == "" {
					return "the flaw is one of policies that hold the node off a confidential guest; this handler's guests are not confidential, and no policy is claimed"
				}
				return ""
			},
			refs: []string{"GHSA-fmg6-v47x-52wr"},
		},
	}
}

// control is the catalogue's entry of the advisory.
func (a advisory) control() catalogue.Control {
	asked := "No control asks the running sandbox itself."
	if len(a.asks) > 0 {
		asked = "Controls that ask the node or the sandbox itself: " + strings.Join(a.asks, ", ") + "."
	}
	return catalogue.Control{
		ID: a.id, Group: catalogue.Kata, Title: a.title,
		Why:       fmt.Sprintf("Before Kata %s %s.", a.fixed, a.flaw),
		Proves:    fmt.Sprintf("The file VERSION beside the shim of the handler says %s or later (%s).", a.fixed, a.source),
		ProvesNot: "That the programs are those of that version, or that a distributor did not take the mend over to an older one. " + asked,
		OnFail:    fmt.Sprintf("Install Kata %s or later. %s", a.fixed, asked),
		Level:     catalogue.Hardening, Profile: catalogue.Nightly, Safety: catalogue.Observes,
		Shown:    fmt.Sprintf("by the same comparison version %s must be found affected, and `katacert selftest` judges recorded nodes that are", a.last),
		Also:     []evidence.Vantage{evidence.Subject},
		OptIn:    []string{probeFiles},
		Verdict:  a.verdict,
		Refs:     catalogue.Refs(append([]string{"NIST SI-2", "NIST RA-5"}, a.refs...)...),
		Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
	}
}

func (a advisory) verdict(from judge.Evidence) judge.Verdict {
	c := judge.Open(from)
	n, ends := look(c)
	if ends != nil {
		return *ends
	}
	if a.none != nil {
		if reason := a.none(n); reason != "" {
			return c.Ends(judge.NotApplicable, reason)
		}
	}
	version, file, err := n.Version()
	if err != nil {
		return c.Ends(judge.Error, err.Error())
	}
	v := c.Ends(judge.Pass, fmt.Sprintf("Kata is %s, by %s; the flaw is gone since %s (%s)", version, file, a.fixed, a.source))
	v.Shown = affected(a.last, a.fixed)
	v.Compared = []judge.Comparison{{Reading: "version", Truth: a.fixed + " or later", Subject: version, Match: affected(version, a.fixed)}}
	switch {
	case affected(version, a.fixed):
		v.Result, v.Reason = judge.Fail, fmt.Sprintf("subject runs under Kata %s, by %s: before %s %s (%s)", version, file, a.fixed, a.flaw, a.source)
	case !v.Shown:
		v.Result, v.Reason = judge.Invalid, fmt.Sprintf("the comparison does not find %s affected", a.last)
	}
	return v
}

// affected says whether a version comes before another. A version that is made
// ready (4.1.0-rc1) comes before it.
func affected(version, fixed string) bool {
	return semver.Compare("v"+strings.TrimPrefix(version, "v"), "v"+fixed) < 0
}
