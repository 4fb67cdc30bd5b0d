package vmm

import (
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// guests are the controls over what a guest shares with others than its pod.
func guests() []catalogue.Control {
	return []catalogue.Control{
		{
			ID:        "memory-sharing",
			Title:     "The guest's memory is nobody else's to read",
			Why:       "A guest's memory holds the tenant's keys and weights. Where it lies in a file that others may open, they have them; where the node merges equal pages of guests, one tenant learns by timing what another's pages hold (CVE-2015-2877).",
			Proves:    "The monitor maps the guest's memory from files without a name or open to their owner alone, from no template, and the node does not merge its pages.",
			ProvesNot: "What root of the node may read. Side channels of the processor's caches.",
			OnFail:    "Write 0 or 2 to /sys/kernel/mm/ksm/run, set enable_template = false in Kata's factory, and let file_mem_backend and its mode alone.",
			Rule:      byRecording("memory-of-everybody", judge.SharesMemory()),
			Refs:      catalogue.Refs("NIST SC-4", "NIST SC-39", "ATT&CK T1005", "CVE-2015-2877"),
		},
		{
			ID:        "debug-console",
			Title:     "The guest's debug console is off",
			Why:       "Kata's debug console is a root shell of the guest without any password, for whoever reaches its vsock port: from the node, and where the guest has vsock, from the container.",
			Proves:    "Neither the command line that the monitor gave to the guest's kernel nor the one that the guest shows turns it on.",
			ProvesNot: "That the agent has no console built in: an image of one's own may hold anything.",
			OnFail:    "Set debug_console_enabled = false in the agent's section of Kata's configuration, and look for agent.debug_console in kernel_params and in pods' annotations.",
			Level:     catalogue.Hardening,
			Rule:      byRecording("console-open", judge.OpensConsole()),
			Refs:      catalogue.Refs("NIST AC-6", "NIST CM-7", "NIST AC-17", "ATT&CK T1611", "ATT&CK T1021"),
		},
	}
}
