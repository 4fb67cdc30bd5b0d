package kata

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// policyClaimed says by what a handler's guests are given a policy of their own; it
// is empty where they have the agent's default, which allows every request.
func policyClaimed(n *node) string {
	params, _ := n.config.Text(katanode.Hypervisor, "kernel_params", "")
	for _, word := range strings.Fields(params) {
		if strings.HasPrefix(word, "agent.policy_file=") {
			return "kernel_params with " + word
		}
	}
	if data, _ := n.config.Text(katanode.Hypervisor, "initdata", ""); data != "" {
		return "initdata"
	}
	return ""
}

// agentPolicy asks that a policy which is claimed keeps the node from running
// programs in the guest. katacert itself does that, by exec.
func agentPolicy() item {
	return item{
		id: "agent-policy", title: "Where a policy of the agent is claimed, nobody runs programs in the guest",
		risk:   "A policy is there to hold the node's operator off the guest; one that lets programs be run in the container gives away all that the guest holds.",
		wanted: "exec refused", unset: "no policy: the agent allows every request", expected: judge.NotApplicable,
		mend: "Set default ExecProcessRequest := false in the policy, and allow the commands that probes of the workload need by name.",
		refs: []string{"NIST AC-3", "NIST CM-7", "ATT&CK T1609"},
		check: func(n *node) (reading, error) {
			claim := policyClaimed(n)
			if claim == "" {
				return reading{none: "no policy is claimed: neither kernel_params nor initdata of the handler give the guest one, and the agent's default allows every request"}, nil
			}
			r := reading{setting: "exec under the policy of " + claim, found: "allowed", open: true}
			_, err := n.c.Observe(n.asked, evidence.Look, "boot-id")
			switch {
			case err == nil:
				return r, nil
			case strings.Contains(err.Error(), "blocked by policy"): // the agent's words (src/agent/src/policy.rs)
				r.found, r.open = "refused", false
				return r, nil
			default:
				return r, fmt.Errorf("whether exec is allowed is not known: %s %w", n.asked, err)
			}
		},
		opens: func(n *node) (*node, error) {
			opened, err := n.with(katanode.Hypervisor, `kernel_params = "agent.policy_file=/etc/policy.rego"`)
			if err != nil {
				return nil, err
			}
			opened.asked = evidence.Witness // whom no policy holds
			return opened, nil
		},
	}
}
