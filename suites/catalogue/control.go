// Package catalogue says what a control is: one thing that must hold, how it is
// judged, how it is shown able to fail, and where the demand comes from. The
// documentation, the Ginkgo specs, `katacert explain` and the reports are all
// generated from these entries.
package catalogue

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// Group gathers controls by what they look at.
type Group string

// The groups of the controls, in the order in which reports show them.
const (
	Kernel     Group = "kernel"
	Filesystem Group = "filesystem"
	Devices    Group = "devices"
	Process    Group = "process"
	Privilege  Group = "privilege"
	VMM        Group = "vmm"
	Network    Group = "network"
	Tenancy    Group = "tenancy"
	Platform   Group = "platform"
	Kata       Group = "kata"
	GPU        Group = "gpu"
	Training   Group = "training"
)

// Groups lists the groups in report order.
func Groups() []Group {
	return []Group{Kernel, Filesystem, Devices, Process, Privilege, VMM, Network, Tenancy, Platform, Kata, GPU, Training}
}

// Level says what a fail costs.
type Level string

const (
	// Isolation is the level of a boundary: a fail means that it was crossed, or
	// that the sandbox is not what it claims to be, and takes the certificate.
	Isolation Level = "isolation"
	// Hardening is the level of its thickness: the boundary held but is thinner
	// than it could be. A fail is a finding, and takes the certificate only when
	// hardening is required.
	Hardening Level = "hardening"
)

// Profile is a named set of controls.
type Profile string

const (
	// Quick holds what needs no workload: seconds for one target.
	Quick Profile = "quick"
	// Nightly adds the training job.
	Nightly Profile = "nightly"
	// Certification holds everything that leaves the node as it was.
	Certification Profile = "certification"
	// Destructive adds what may disturb a node; never chosen by default.
	Destructive Profile = "destructive"
)

// Profiles lists the profiles from small to large; each contains the ones
// before it.
func Profiles() []Profile { return []Profile{Quick, Nightly, Certification, Destructive} }

// Safety says what a control does to the node.
type Safety string

const (
	// Observes reads and changes nothing.
	Observes Safety = "observes"
	// Plants puts something harmless on the node and takes it back.
	Plants Safety = "plants and reverts"
	// Disturbs may be noticed on the node while it runs, or needs a privileged
	// pod on the RuntimeClass under test; in profile destructive only.
	Disturbs Safety = "may disturb"
)

// Signal tells two classes of kernel readings apart.
type Signal string

const (
	// Instance readings belong to one running kernel.
	Instance Signal = "instance"
	// Build readings belong to one build of a kernel, which guest and node may
	// share without sharing the kernel.
	Build Signal = "build"
)

// Control is one thing that must hold.
type Control struct {
	// ID is stable, kebab-case, and begins with what is looked at.
	ID    string
	Group Group
	Title string
	// Why says in one or two sentences what a fail would mean.
	Why string
	// Proves and ProvesNot bound what a pass says.
	Proves, ProvesNot string
	// OnFail says what to do.
	OnFail string
	Level  Level
	// Profile is the smallest profile that holds the control.
	Profile Profile
	Safety  Safety
	// Signal is set for readings of a kernel.
	Signal Signal
	// Rule is applied by the judge. Nil when Verdict is set.
	Rule *judge.Rule
	// Verdict judges what does not follow the general rule.
	Verdict func(judge.Evidence) judge.Verdict
	// Shown says how the control is shown able to fail, in words; derived from
	// Rule when empty.
	Shown string
	// NeedsGPURelease asks for pods that are given GPUs one after the other, on nodes with
	// GPUs only.
	NeedsGPURelease bool
	// NeedsTraining asks for the training job, NeedsNeighbour for a second
	// tenant's pod on the same node, NeedsTenants for both tenants' data and
	// listeners, NeedsAftermath for a look after both are gone.
	NeedsTraining, NeedsNeighbour, NeedsTenants, NeedsAftermath bool
	// Also are further vantages that Verdict compares.
	Also []evidence.Vantage
	// OptIn are the ids of probes that run only where this control is chosen.
	OptIn []string
	// Asks names what katacert itself asks for this control as somebody else, the
	// tenants' accounts or a stranger, and only where this control is chosen.
	Asks []string
	// Expected is the verdict of a sound sandbox of each kind; pass where it says
	// nothing. It is shown beside the verdict and never changes it.
	Expected map[judge.Kind]judge.Result
	Refs     []Ref
}

// Ref points at a demand or at a flaw that the control would catch.
type Ref struct {
	// Source is the catalogue or standard, for example "NIST SP 800-53 rev 5".
	Source string `json:"source"`
	// ID is the entry in it, for example "SC-39".
	ID string `json:"id"`
}

// Vantages lists the vantages that the control needs besides the witness.
func (c Control) Vantages() []evidence.Vantage {
	needs := []evidence.Vantage{}
	if c.Rule != nil {
		needs = append(needs, cmp.Or(c.Rule.Subject, evidence.Subject))
		if !c.Rule.RecordOnly {
			needs = append(needs, c.Rule.Control)
		}
	}
	needs = append(needs, c.Also...)
	if c.NeedsNeighbour || c.NeedsTenants {
		needs = append(needs, evidence.Neighbour)
	}
	if c.NeedsTenants {
		needs = append(needs, evidence.Subject)
	}
	if c.NeedsAftermath {
		needs = append(needs, evidence.SubjectSuccessor, evidence.NeighbourSuccessor)
	}
	if c.NeedsTraining {
		needs = append(needs, evidence.Trainer)
	}
	// The API server answers katacert itself, and recordings are kept: from no pod.
	needs = slices.DeleteFunc(needs, func(v evidence.Vantage) bool { return v == evidence.API || v == evidence.Recording })
	slices.Sort(needs)
	return slices.Compact(needs)
}

// ShownBy says in words how the control is shown able to fail.
func (c Control) ShownBy() string {
	switch {
	case c.Shown != "":
		return c.Shown
	case c.Rule == nil || c.Rule.RecordOnly:
		return "recorded only"
	case c.Rule.Control == evidence.Recording:
		return "evidence recorded from a real sandbox and broken on purpose must be found at fault by the same judge; `katacert selftest` tries it with every control"
	case c.Rule.Control == evidence.Reference:
		return "the same probe in a plain runc pod must detect the node"
	default:
		weakness, _ := c.Rule.Control.Weakness()
		return fmt.Sprintf("the same probe in a plain runc pod weakened by %s must detect the node", weakness)
	}
}

// Part is one thing that is said of a control.
type Part struct{ Name, Text string }

// Parts says everything about a control that a reader of a report needs, besides
// its title and why it is there.
func (c Control) Parts() []Part {
	refs := make([]string, len(c.Refs))
	for i, r := range c.Refs {
		refs[i] = r.String()
	}
	return []Part{
		{"A pass proves", c.Proves},
		{"It does not prove", c.ProvesNot},
		{"Shown able to fail", c.ShownBy()},
		{"A sound sandbox gives", fmt.Sprintf("%s on Kata Containers, %s on gVisor", c.Expects(judge.KindVM), c.Expects(judge.KindUserKernel))},
		{"When it fails", c.OnFail},
		{"Level", string(c.Level)},
		{"Profile", string(c.Profile) + " and larger"},
		{"On the node it", string(c.Safety)},
		{"References", strings.Join(refs, "; ")},
	}
}

// Expects is the verdict of a sound sandbox of this kind.
func (c Control) Expects(kind judge.Kind) judge.Result {
	return cmp.Or(c.Expected[kind], judge.Pass)
}

// Judge gives the control's verdict on the evidence of one target, before
// JudgeAll has looked at all verdicts together.
func (c Control) Judge(from judge.Evidence) judge.Verdict {
	if c.Verdict != nil {
		return c.Verdict(from).Bounded()
	}
	return judge.Judge(*c.Rule, from).Bounded()
}

// In says whether the profile holds the control.
func (c Control) In(p Profile) bool {
	all := Profiles()
	return slices.Index(all, c.Profile) <= slices.Index(all, p)
}

// Choice selects controls from the catalogue.
type Choice struct {
	Profile Profile
	// Controls is a regular expression over control ids; empty chooses all of
	// the profile.
	Controls string
}

// Select returns the chosen controls in catalogue order.
func Select(all []Control, choice Choice) ([]Control, error) {
	if !slices.Contains(Profiles(), choice.Profile) {
		return nil, fmt.Errorf("unknown profile %q: choose one of %s", choice.Profile, joined(Profiles()))
	}
	pattern, err := regexp.Compile(choice.Controls)
	if err != nil {
		return nil, fmt.Errorf("--controls %q is no regular expression: %w", choice.Controls, err)
	}
	var chosen []Control
	for _, c := range all {
		if c.In(choice.Profile) && pattern.MatchString(c.ID) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no control of profile %s matches %q: `katacert catalogue` lists them", choice.Profile, choice.Controls)
	}
	return chosen, nil
}

// Find returns the control with the given id, or an error that names the most
// similar ids.
func Find(all []Control, id string) (Control, error) {
	var near []string
	for _, c := range all {
		if c.ID == id {
			return c, nil
		}
		for part := range strings.SplitSeq(id, "-") {
			if len(part) > 2 && strings.Contains(c.ID, part) {
				near = append(near, c.ID)
				break
			}
		}
	}
	hint := "`katacert catalogue` lists them"
	if len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "?"
	}
	return Control{}, fmt.Errorf("unknown control %q: %s", id, hint)
}

func joined[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}
