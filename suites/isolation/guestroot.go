package isolation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// guestRoot asks the controls of the other groups again from a privileged pod in
// the sandbox: an attacker who became root of the guest. Left out are those that
// compare with an expectation of an ordinary pod, and hardening.
func guestRoot(others []catalogue.Control) catalogue.Control {
	again := askedAgain(others)
	also := []evidence.Vantage{evidence.GuestRoot}
	var optIn []string
	for _, c := range again {
		also, optIn = append(also, c.Rule.Control), append(optIn, c.OptIn...)
	}
	slices.Sort(also)
	slices.Sort(optIn)
	return catalogue.Control{
		ID:        "priv-guest-root",
		Title:     "Root of the guest still sees nothing of the node",
		Why:       "A sandbox is bought for the day on which a tenant's code becomes root inside it. What only holds for an unprivileged pod is a property of the container and not of the sandbox.",
		Proves:    "A privileged pod of this RuntimeClass fails none of the controls " + strings.Join(ids(again), ", ") + ", each with its own control vantage.",
		ProvesNot: "Exploits of the hypervisor or of the shared file system's server; the pod uses what a guest's root is given.",
		OnFail:    "Read the named controls with the privileged pod as the subject. For Kata set privileged_without_host_devices = true in containerd's runtime, and forbid privileged pods to tenants (Pod Security level baseline) until it is mended.",
		Profile:   catalogue.Destructive,
		Safety:    catalogue.Disturbs,
		Shown:     "each control's own control vantage must detect the node",
		Also:      slices.Compact(also),
		OptIn:     slices.Compact(optIn),
		Verdict:   func(from judge.Evidence) judge.Verdict { return judgeAgain(again, from) },
		Refs:      catalogue.Refs("NIST AC-6", "NIST SC-39", "CIS 5.2.2", "ATT&CK T1611", "ATT&CK T1068"),
	}
}

// askedAgain are the controls as they are judged for the guest's root.
func askedAgain(others []catalogue.Control) []catalogue.Control {
	groups := []catalogue.Group{catalogue.Kernel, catalogue.Filesystem, catalogue.Devices, catalogue.Process}
	var again []catalogue.Control
	for _, c := range others {
		ordinary := c.Rule != nil && !c.Rule.RecordOnly && !c.Rule.Expects && c.Rule.Subject == "" && c.Rule.Truth == ""
		if !ordinary || c.Level != catalogue.Isolation || !slices.Contains(groups, c.Group) || c.Profile == catalogue.Destructive {
			continue
		}
		rule := *c.Rule
		rule.Subject = evidence.GuestRoot
		if c.ID == "dev-kvm-vhost-vfio" || c.ID == "blk-guest-root" {
			// A guest's root may open the guest's own devices.
			rule.Detects = judge.OnNodesKernel(rule.Detects)
		}
		c.Rule = &rule
		again = append(again, c)
	}
	return again
}

// judgeAgain takes the verdicts together: one fail fails, one error leaves it
// open, and a control that was not shown able to fail counts as not asked.
func judgeAgain(again []catalogue.Control, from judge.Evidence) judge.Verdict {
	verdicts := catalogue.JudgeAll(again, from)
	by := map[judge.Result][]string{}
	whole := judge.Verdict{}
	for _, c := range again {
		v := verdicts[c.ID]
		by[v.Result] = append(by[v.Result], c.ID)
		whole.Rests = append(whole.Rests, v.Rests...)
		whole.Shown = whole.Shown || v.Shown
		if v.Result == judge.Fail {
			whole.Compared = append(whole.Compared, v.Compared...)
		}
	}
	first := func(r judge.Result) string {
		id := by[r][0]
		return fmt.Sprintf("%s (%s)", strings.Join(by[r], ", "), verdicts[id].Reason)
	}
	switch {
	case len(by[judge.Fail]) > 0:
		whole.Result, whole.Reason = judge.Fail, "the guest's root fails "+first(judge.Fail)
	case len(by[judge.Error]) > 0:
		whole.Result, whole.Reason = judge.Error, "the guest's root cannot be judged by "+first(judge.Error)
	case len(by[judge.Invalid]) > 0:
		whole.Result, whole.Reason = judge.Invalid, "these controls were not shown able to fail: "+first(judge.Invalid)
	case len(by[judge.Pass]) == 0:
		whole.Result, whole.Reason = judge.NotApplicable, "none of the controls applies to the guest's root: "+first(judge.NotApplicable)
	default:
		whole.Result = judge.Pass
		whole.Reason = fmt.Sprintf("the guest's root passes %d controls (%s); %d do not apply", len(by[judge.Pass]),
			strings.Join(by[judge.Pass], ", "), len(by[judge.NotApplicable]))
	}
	return whole
}

func ids(controls []catalogue.Control) []string {
	list := make([]string, len(controls))
	for i, c := range controls {
		list[i] = c.ID
	}
	return list
}
