package kata

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// bootRoles are the programs of a handler that every one of its guests boots.
var bootRoles = []string{"image", "initrd", "kernel", "firmware"}

// guestImage is the control that nothing of the run changed what guests boot.
func guestImage() catalogue.Control {
	return catalogue.Control{
		ID: "guest-image-immutable", Group: catalogue.Kata, Title: "What guests boot is not changed by a guest",
		Why:       "All guests of a handler boot one kernel and one image. A guest that changes them owns every guest after it, other tenants' among them.",
		Proves:    "The kernel and the image or initrd that the handler's configuration names had the same SHA-256 on the node before the run's pods worked and after, and only the node's root may write to them.",
		ProvesNot: "That no guest could: under profile destructive a privileged pod of the RuntimeClass was among those that worked; blk-guest-root and kata-config-image-nvdimm ask for the ways in. What an attacker changes later is not seen.",
		OnFail:    "Take the node out of service and reinstall Kata: guests of other tenants may have booted what was changed. Give the files to root with mode 0644, and see kata-advisory-2020-2026 and kata-advisory-2026-24834.",
		Level:     catalogue.Isolation, Profile: catalogue.Certification, Safety: catalogue.Observes,
		Shown:    "the node's own digests, with one of them changed, must be found different; `katacert selftest` judges a recorded node whose image was changed",
		Also:     []evidence.Vantage{evidence.Subject},
		OptIn:    []string{probeFiles, probeDigests},
		Verdict:  imageVerdict,
		Refs:     catalogue.Refs("NIST SI-7", "NIST SC-4", "CVE-2020-2025", "CVE-2026-24834", "ATT&CK T1525", "ATT&CK T1611"),
		Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
	}
}

func imageVerdict(from judge.Evidence) judge.Verdict {
	c := judge.Open(from)
	n, ends := look(c)
	if ends != nil {
		return *ends
	}
	if reason := on("its guests boot elsewhere", "remote")(n); reason != "" {
		return c.Ends(judge.NotApplicable, reason)
	}
	var digests [2][]katanode.Program
	for i, round := range []evidence.Round{evidence.Look, evidence.Settle} {
		o, err := c.Observe(evidence.Witness, round, probeDigests)
		if err == nil && o.State != evidence.Seen {
			err = fmt.Errorf("could not hash the node's files in round %s: %s %s", round, o.State, o.Detail)
		}
		if err == nil {
			digests[i], err = katanode.Programs(o)
		}
		if err != nil {
			return c.Ends(judge.Error, "witness "+err.Error())
		}
	}
	boots, err := n.boots()
	if err != nil {
		return c.Ends(judge.Error, err.Error())
	}
	findings, rows, err := changed(boots, digests[0], digests[1])
	if err != nil {
		return c.Ends(judge.Error, err.Error())
	}
	v := c.Ends(judge.Pass, fmt.Sprintf("the %d files that guests boot were not changed, and only root may write to them", len(boots)))
	v.Compared = rows
	other := slices.Clone(digests[1])
	for i := range other {
		other[i].SHA256 = strings.Repeat("0", sha256Digits)
	}
	shown, _, err := changed(boots, digests[0], other)
	v.Shown = err == nil && len(shown) > 0
	switch {
	case len(findings) > 0:
		v.Result, v.Reason = judge.Fail, "of what the node's guests boot, "+strings.Join(findings, "; ")
	case !v.Shown:
		v.Result, v.Reason = judge.Invalid, "the comparison does not find another digest"
	}
	return v
}

// sha256Digits is how many hexadecimal digits a digest has.
const sha256Digits = 64

// boot is a file that guests boot, by what it is for.
type boot struct{ role, path string }

// boots are the files that the handler's configuration names for its guests.
func (n *node) boots() ([]boot, error) {
	var found []boot
	for _, role := range bootRoles {
		path, err := n.config.Text(katanode.Hypervisor, role, "")
		if err != nil {
			return nil, err
		}
		if path != "" {
			found = append(found, boot{role, path})
		}
	}
	if !slices.ContainsFunc(found, func(b boot) bool { return b.role == "image" || b.role == "initrd" }) {
		return nil, fmt.Errorf("the configuration names neither an image nor an initrd for the guests")
	}
	return found, nil
}

// changed compares what is booted before and after, and says who else may write.
func changed(boots []boot, before, after []katanode.Program) (findings []string, rows []judge.Comparison, err error) {
	for _, b := range boots {
		first, err := b.in(before)
		if err != nil {
			return nil, nil, err
		}
		then, err := b.in(after)
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, judge.Comparison{Reading: b.role + " " + b.path, Truth: first.SHA256, Subject: then.SHA256, Match: first.SHA256 != then.SHA256})
		if first.SHA256 != then.SHA256 || first.Bytes != then.Bytes {
			findings = append(findings, fmt.Sprintf("the %s %s was changed while the run's pods worked", b.role, b.path))
		}
		mode, err := strconv.ParseUint(first.Mode, 8, 32)
		if err != nil {
			return nil, nil, fmt.Errorf("witness tells %.20q as the mode of %s", first.Mode, b.path)
		}
		const writableByOthers = 0o022
		if mode&writableByOthers != 0 || first.UID != 0 {
			findings = append(findings, fmt.Sprintf("the %s %s belongs to uid %d with mode %s: others than root may write to it", b.role, b.path, first.UID, first.Mode))
			rows = append(rows, judge.Comparison{Reading: "mode of " + b.path, Truth: "writable by root alone", Subject: fmt.Sprintf("%s of uid %d", first.Mode, first.UID), Match: true})
		}
	}
	return findings, rows, nil
}

func (b boot) in(programs []katanode.Program) (katanode.Program, error) {
	i := slices.IndexFunc(programs, func(p katanode.Program) bool { return p.Role == b.role && p.Path == b.path })
	switch {
	case i < 0:
		return katanode.Program{}, fmt.Errorf("witness did not hash the %s %s", b.role, b.path)
	case programs[i].Problem != "":
		return katanode.Program{}, fmt.Errorf("witness could not hash the %s: %s", b.role, programs[i].Problem)
	case len(programs[i].SHA256) != sha256Digits:
		return katanode.Program{}, fmt.Errorf("witness tells %.20q as the digest of %s", programs[i].SHA256, b.path)
	default:
		return programs[i], nil
	}
}
