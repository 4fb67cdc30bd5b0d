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

// immutable are the controls that nothing of the run changed what Kata is made of.
func immutable() []catalogue.Control {
	control := func(c catalogue.Control, of files) catalogue.Control {
		c.Group, c.Level, c.Profile, c.Safety = catalogue.Kata, catalogue.Isolation, catalogue.Certification, catalogue.Observes
		c.Shown = "the node's own digests, with one of them changed, must be found different; `katacert selftest` judges recorded nodes where one was changed"
		c.Also = []evidence.Vantage{evidence.Subject}
		c.OptIn = []string{probeFiles, probeDigests}
		c.Expected = map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable}
		c.Verdict = of.verdict
		return c
	}
	return []catalogue.Control{
		control(catalogue.Control{
			ID: "guest-image-immutable", Title: "What guests boot is not changed by a guest",
			Why:       "All guests of a handler boot one kernel and one image. A guest that changes them owns every guest after it, other tenants' among them.",
			Proves:    "The kernel and the image or initrd that the handler's configuration names had the same SHA-256 on the node before the run's pods worked and after, and only the node's root may write to them.",
			ProvesNot: "That no guest could: under profile destructive a privileged pod of the RuntimeClass was among those that worked; blk-guest-root and kata-config-image-nvdimm ask for the ways in. What an attacker changes later is not seen.",
			OnFail:    "Take the node out of service and reinstall Kata: guests of other tenants may have booted what was changed. Give the files to root with mode 0644, and see kata-advisory-2020-2026 and kata-advisory-2026-24834.",
			Refs:      catalogue.Refs("NIST SI-7", "NIST SC-4", "CVE-2020-2025", "CVE-2026-24834", "ATT&CK T1525", "ATT&CK T1611"),
		}, files{what: "guests boot", named: (*node).boots}),
		control(catalogue.Control{
			ID: "kata-programs-immutable", Title: "What the node runs for Kata is not changed by a guest",
			Why:       "The shim, the machine monitor and virtiofsd run as the node's root for every sandbox. Who can write to one of them is root of the node with the next pod.",
			Proves:    "The programs that the handler's configuration names had the same SHA-256 before the run's pods worked and after, and only the node's root may write to them. Their digests are recorded.",
			ProvesNot: "That they are the ones that Kata's maintainers built: compare the digests with those of the archive that was installed. Libraries that they load are not looked at.",
			OnFail:    "Take the node out of service and reinstall Kata. Give the programs, and the folders above them, to root with mode 0755.",
			Refs:      catalogue.Refs("NIST SI-7", "NIST CM-5", "ATT&CK T1554", "ATT&CK T1611", "CVE-2019-5736"),
		}, files{what: "the node runs for Kata", named: (*node).runs}),
	}
}

// files are some of what Kata is made of on a node.
type files struct {
	what  string
	named func(*node) ([]made, error)
}

func (of files) verdict(from judge.Evidence) judge.Verdict {
	c := judge.Open(from)
	n, ends := look(c)
	if ends != nil {
		return *ends
	}
	named, err := of.named(n)
	switch {
	case err != nil:
		return c.Ends(judge.Error, err.Error())
	case len(named) == 0:
		return c.Ends(judge.NotApplicable, fmt.Sprintf("the hypervisor is %s: its guests boot elsewhere", n.config.Hypervisor))
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
	findings, rows, err := changed(named, digests[0], digests[1])
	if err != nil {
		return c.Ends(judge.Error, err.Error())
	}
	v := c.Ends(judge.Pass, fmt.Sprintf("none of the %d files that %s was changed, and only root may write to them", len(named), of.what))
	v.Compared = rows
	other := slices.Clone(digests[1])
	for i := range other {
		other[i].SHA256 = strings.Repeat("0", sha256Digits)
	}
	shown, _, err := changed(named, digests[0], other)
	v.Shown = err == nil && len(shown) > 0
	switch {
	case len(findings) > 0:
		v.Result, v.Reason = judge.Fail, "of what "+of.what+", "+strings.Join(findings, "; ")
	case !v.Shown:
		v.Result, v.Reason = judge.Invalid, "the comparison does not find another digest"
	}
	return v
}

// sha256Digits is how many hexadecimal digits a digest has.
const sha256Digits = 64

// made is a file of Kata's, by what it is for.
type made struct{ role, path string }

// boots are the files that the handler's configuration names for its guests: none
// where they boot elsewhere.
func (n *node) boots() ([]made, error) {
	if n.config.Hypervisor == "remote" {
		return nil, nil
	}
	found, err := n.named([]made{{"image", "image"}, {"initrd", "initrd"}, {"kernel", "kernel"}, {"firmware", "firmware"}})
	if err == nil && !slices.ContainsFunc(found, func(f made) bool { return f.role == "image" || f.role == "initrd" }) {
		err = fmt.Errorf("the configuration names neither an image nor an initrd for the guests")
	}
	return found, err
}

// runs are the programs that the node runs for a sandbox.
func (n *node) runs() ([]made, error) {
	found, err := n.named([]made{{"hypervisor", "path"}, {"jailer", "jailer_path"}})
	if err == nil && withoutDaemon(n) == "" {
		var daemon []made
		daemon, err = n.named([]made{{"virtiofsd", "virtio_fs_daemon"}})
		found = append(found, daemon...)
	}
	shim, looked := n.ShimOf(n.runtime)
	if err == nil && !looked {
		err = fmt.Errorf("witness did not look at the shim of handler %q", n.Setup.Handler)
	}
	return append(found, made{"shim", shim.Path}), err
}

// named are the files that the hypervisor's table names, given by role and key.
func (n *node) named(keys []made) ([]made, error) {
	var found []made
	for _, f := range keys {
		path, err := n.config.Text(katanode.Hypervisor, f.path, "")
		if err != nil {
			return nil, err
		}
		if path != "" {
			found = append(found, made{f.role, path})
		}
	}
	return found, nil
}

// changed compares files before and after, and says who else may write.
func changed(named []made, before, after []katanode.Program) (findings []string, rows []judge.Comparison, err error) {
	for _, b := range named {
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

func (b made) in(programs []katanode.Program) (katanode.Program, error) {
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
