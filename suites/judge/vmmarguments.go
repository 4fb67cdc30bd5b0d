package judge

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// WideShare detects a virtiofsd that was told to share more than the folder of its
// own sandbox, or to work without its confinement.
func WideShare() Detection {
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		workers, done := h.fileServers(c.Seen.Vantage)
		if done != nil {
			return *done
		}
		for _, p := range workers {
			if len(h.arguments(p.pid)) == 0 {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("has a virtiofsd, %s, whose arguments the witness did not read", p)}
			}
		}
		return held(h, workers, "told to share the sandbox's own folder alone, in a sandbox and with a seccomp filter", func(h *hosted, p hostProcess) []fault {
			arguments := h.arguments(p.pid)
			shared := option(arguments, "shared-dir", "source")
			if shared == "" {
				shared = option(arguments, "shared-directory")
			}
			own := ownShare(shared, h.sandbox.ID)
			faults := []fault{{"shared-dir", "the sandbox's own", shared, unless(own, fmt.Sprintf("was told to share %q, which is not the sandbox's own folder", shared))}}
			for name, off := range map[string][]string{"sandbox": {"none"}, "seccomp": {"none", "kill-off", "log"}} {
				got := option(arguments, name)
				faults = append(faults, fault{"--" + name, "not " + strings.Join(off, " or "), got, unless(!slices.Contains(off, got), fmt.Sprintf("was told --%s %s", name, got))})
			}
			if got := option(arguments, "modcaps"); strings.Contains(got, "+") {
				faults = append(faults, fault{"--modcaps", "none added", got, "was told to keep further capabilities (" + got + ")"})
			}
			slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.reading, b.reading) })
			return faults
		})
	}
}

// ownShare says whether a folder is one that Kata makes for the sandbox:
// …/shared/sandboxes/ID/… , and no path that leads out of it again.
func ownShare(folder, id string) bool {
	if id == "" || !path.IsAbs(folder) || path.Clean(folder) != folder {
		return false
	}
	parts := strings.Split(folder, "/")
	at := slices.Index(parts, id)
	return at > 0 && parts[at-1] == "sandboxes"
}

// option is the value of an option among arguments, the last where it is there more
// often: "--name value", "--name=value", or "-o name=value,…" (virtiofsd's older
// form).
func option(arguments []string, names ...string) string {
	value := ""
	for i, argument := range arguments {
		next := ""
		if i+1 < len(arguments) {
			next = arguments[i+1]
		}
		for _, name := range names {
			switch {
			case argument == "--"+name:
				value = next
			case strings.HasPrefix(argument, "--"+name+"="):
				value = strings.TrimPrefix(argument, "--"+name+"=")
			case argument == "-o" || strings.HasPrefix(argument, "-o"):
				list := strings.TrimPrefix(argument, "-o")
				if list == "" {
					list = next
				}
				for _, item := range strings.Split(list, ",") {
					if got, ok := strings.CutPrefix(item, name+"="); ok {
						value = got
					}
				}
			}
		}
	}
	return value
}

// console is what the port of the debug console answered the node, where the agent's
// own port did answer, so that a refusal says something; "" elsewhere.
func (h *hosted) console() string {
	lines, _ := h.values.List("consoles")
	for _, line := range lines {
		if fields := keyValues(line); fields["pod_uid"] == h.sandbox.PodUID && (fields["agent"] == "connected" || fields["console"] == "connected") {
			return fields["console"]
		}
	}
	return ""
}

// consoleWords of a guest's kernel command line open the agent's debug console
// (kata-containers, docs/how-to/how-to-access-guest-vm.md and src/agent/src/config.rs).
var consoleWords = []string{"agent.debug_console", "agent.debug_console_vport="}

// OpensConsole detects a guest whose agent gives a root shell to whoever connects to
// its debug console, by the kernel's command line: what the monitor was told on the
// node, and what the guest itself shows.
func OpensConsole() Detection {
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		monitors, err := h.of(vmmRole)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		o, err := c.observe(c.Seen, "look", "cmdline")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		shown, _ := o.Values.Text("cmdline")
		told := ""
		for _, p := range monitors {
			arguments := h.arguments(p.pid)
			for _, name := range []string{"-append", "--cmdline"} {
				if at := slices.Index(arguments, name); at >= 0 && at+1 < len(arguments) {
					told = arguments[at+1]
				}
			}
		}
		if shown == "" {
			return Sight{Outcome: Unknown, Reason: "does not show its kernel's command line: " + why(o)}
		}
		open := slices.DeleteFunc(append(strings.Fields(told), strings.Fields(shown)...), func(word string) bool {
			return !slices.ContainsFunc(consoleWords, func(prefix string) bool {
				return word == prefix || strings.HasPrefix(word, prefix) && strings.HasSuffix(prefix, "=") || word == prefix+"=true" || word == prefix+"=1"
			})
		})
		slices.Sort(open)
		open = slices.Compact(open)
		sight := Sight{Outcome: Undetected, Reason: "has a guest whose agent was told of no debug console",
			Readings: []Reading{{Name: "kernel arguments", Truth: "no " + consoleWords[0], Seen: shorten(open), Match: len(open) > 0}}}
		if answer := h.console(); answer != "" {
			sight.Readings = append(sight.Readings, Reading{Name: "vsock port 1026", Truth: "refused", Seen: answer, Match: answer == "connected"})
			if answer == "connected" {
				open = append(open, "its port answered the node")
			} else {
				sight.Reason += ", and whose console's port refused the node (" + answer + ")"
			}
		}
		if len(open) > 0 {
			sight.Outcome, sight.Reason = Detected, "has a guest whose agent gives a root shell to whoever connects: "+strings.Join(open, " ")
		}
		return sight
	}
}
