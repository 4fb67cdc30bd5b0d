package kata

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/suites/katanode"
)

// debugging are the settings that help who looks for faults, and who looks for
// secrets.
func debugging() []item {
	debug := func(id, title string, section katanode.Section, what string) item {
		i := item{
			id: id, title: title,
			risk:   what + " Debug settings belong to nodes on which nobody else's work runs.",
			wanted: "false", unset: "false",
			mend: fmt.Sprintf("Remove enable_debug from the %s's table in Kata's configuration and its config.d.", section),
			refs: []string{"NIST CM-6", "NIST CM-7", "NIST SI-11"},
		}
		i.check, i.opens = switched(section, "enable_debug", false, false)
		return i
	}
	console := item{
		id: "kata-config-debug-console", title: "No debug console waits in the guest",
		risk:   "The agent then waits on a vsock port with a shell of the guest's root, behind which no container's limits stand: whoever reaches the guest's vsock, on the node or in the guest, is that root.",
		wanted: "false", unset: "false",
		mend: "Remove debug_console_enabled from [agent.kata], and agent.debug_console from kernel_params.",
		refs: []string{"NIST CM-7", "NIST AC-3", "NIST AC-6", "ATT&CK T1059", "ATT&CK T1611"},
	}
	console.check, console.opens = switched(katanode.Agent, "debug_console_enabled", false, false)

	pprof := item{
		id: "kata-config-pprof", title: "The shim serves no profiles of itself",
		risk:   "The shim then answers requests for its memory's and goroutines' profiles on its management socket.",
		wanted: "false", unset: "false",
		mend: "Remove enable_pprof from [runtime].",
		refs: []string{"NIST CM-7", "NIST SI-11"},
	}
	pprof.check, pprof.opens = switched(katanode.RuntimeSec, "enable_pprof", false, false)

	runtimeTracing := item{
		id: "kata-config-tracing", title: "The shim sends no traces elsewhere",
		risk:   "Traces carry names and arguments of the tenants' containers to a collector over plain HTTP.",
		wanted: "false", unset: "false",
		mend: "Remove enable_tracing from [runtime] and [agent.kata].",
		refs: []string{"NIST CM-7", "NIST SC-8"},
	}
	runtimeTracing.check, runtimeTracing.opens = switched(katanode.RuntimeSec, "enable_tracing", false, false)

	dump := item{
		id: "kata-config-memory-dump", title: "No guest's memory is written to the node's disk",
		risk:   "A guest that panics, which its tenant can make it do, leaves all its memory in a file on the node: secrets outlive the pod, and the disk fills.",
		wanted: `""`, unset: `""`,
		mend: "Remove guest_memory_dump_path from the hypervisor's table.",
		refs: []string{"NIST SC-4", "NIST SC-28", "NIST SC-5", "ATT&CK T1005"},
	}
	dump.check, dump.opens = blank("guest_memory_dump_path", "/var/crash/kata")

	monitor := item{
		id: "kata-config-monitor-socket", title: "QEMU has no further monitor socket",
		risk:   "Whoever may open the socket controls the virtual machine: its memory, its devices, the node's files that it opens.",
		wanted: `""`, unset: `""`,
		mend: "Remove extra_monitor_socket from [hypervisor.qemu].",
		refs: []string{"NIST CM-7", "NIST AC-3", "ATT&CK T1611"},
	}
	monitor.check, monitor.opens = blank("extra_monitor_socket", "hmp")
	monitor.check = unless(func(n *node) string {
		if n.config.Hypervisor != "qemu" {
			return fmt.Sprintf("the hypervisor is %s, which has no such socket", n.config.Hypervisor)
		}
		return ""
	}, monitor.check)

	return []item{
		debug("kata-config-debug-hypervisor", "The machine monitor and the guest's kernel run without debug output", katanode.Hypervisor,
			"The guest's console, with what the kernel and early programs print, goes to the node's log, and QEMU may open a further monitor."),
		debug("kata-config-debug-runtime", "The shim runs without debug output", katanode.RuntimeSec,
			"The shim writes the tenants' container specs, their environment with its secrets among it, to the node's log."),
		debug("kata-config-debug-agent", "The agent runs without debug output", katanode.Agent,
			"The agent in the guest sends every request in full to the node's log, the processes' environment with its secrets among it."),
		console, pprof, runtimeTracing, dump, monitor, kernelParameters(),
	}
}

// opening are parameters of a guest's kernel that weaken it or open it for
// debugging: of the agent (src/agent/README.md), of the kernel
// (Documentation/admin-guide/kernel-parameters.rst), and of systemd
// (kernel-command-line(7)).
var opening = []string{"agent.debug_console", "agent.log=debug", "agent.log=trace", "agent.devmode", "agent.trace", "mitigations=off", "nokaslr",
	"nosmep", "nosmap", "nopti", "pti=off", "init=/bin/sh", "init=/bin/bash", "rdinit=/bin/sh", "single", "systemd.debug-shell", "rd.break", "initcall_debug", "slub_debug=-"}

// kernelParameters looks for what opens the guest by its kernel's command line.
func kernelParameters() item {
	return item{
		id: "kata-config-kernel-params", title: "The guest's kernel is started with nothing that opens it",
		risk:   "Parameters of the guest's kernel turn its defences off, or make its agent show and take more than it should.",
		wanted: "nothing that opens the guest", unset: `""`,
		mend: "Take the named parameters out of kernel_params in the hypervisor's table.",
		refs: []string{"NIST CM-6", "NIST CM-7", "NIST SI-16", "ATT&CK T1562"},
		check: func(n *node) (reading, error) {
			text, err := n.config.Text(katanode.Hypervisor, "kernel_params", "")
			r := reading{setting: n.config.Name(katanode.Hypervisor, "kernel_params"), found: said(n, katanode.Hypervisor, "kernel_params", fmt.Sprintf("%q", text))}
			var named []string
			for _, word := range strings.Fields(text) {
				for _, bad := range opening {
					name, _, _ := strings.Cut(word, "=")
					if word == bad || !strings.Contains(bad, "=") && name == bad {
						named = append(named, word)
					}
				}
			}
			r.open, r.why = len(named) > 0, strings.Join(named, ", ")
			return r, err
		},
		opens: opensBy(katanode.Hypervisor, `kernel_params = "quiet agent.debug_console mitigations=off"`),
	}
}
