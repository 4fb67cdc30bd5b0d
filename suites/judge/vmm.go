package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// fault is one thing that is wrong with a process of a sandbox.
type fault struct{ reading, want, got, says string }

// eachProcess is a detection that holds every process of a role to the same demands.
func eachProcess(role, sound string, demands func(h *hosted, p hostProcess) []fault) Detection {
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		found, err := h.of(role)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		return held(h, found, sound, demands)
	}
}

// held is the sight of processes that are held to demands.
func held(h *hosted, found []hostProcess, sound string, demands func(h *hosted, p hostProcess) []fault) Sight {
	var readings []Reading
	var wrong []string
	for _, p := range found {
		for _, f := range demands(h, p) {
			name := f.reading
			if len(found) > 1 {
				name = p.exe + "/" + p.pid + " " + name
			}
			readings = append(readings, Reading{Name: name, Truth: f.want, Seen: f.got, Match: f.says != ""})
			if f.says != "" {
				wrong = append(wrong, fmt.Sprintf("%s %s", p, f.says))
			}
		}
	}
	names := make([]string, len(found))
	for i, p := range found {
		names[i] = p.String()
	}
	if len(wrong) > 0 {
		return Sight{Outcome: Detected, Readings: readings, Reason: "is run by processes that are held too loosely: " + strings.Join(wrong, "; ")}
	}
	return Sight{Outcome: Undetected, Readings: readings, Reason: fmt.Sprintf("is run by %s, %s", strings.Join(names, ", "), sound)}
}

// unless is the text where a condition does not hold.
func unless(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}

// PrivilegedVMM detects a virtual machine monitor that runs as root, holds
// capabilities, or could gain privilege by executing another program. Whoever breaks
// out of the guest into it has what it has.
func PrivilegedVMM() Detection {
	return eachProcess(vmmRole, "without root, capabilities or a way to gain them", func(_ *hosted, p hostProcess) []fault {
		return []fault{
			{"user", "not 0", fmt.Sprintf("%s (%d of %d threads as root)", p.uid, p.root, p.threads), unless(p.root == 0, "runs as root")},
			{"cap_eff", "none", capabilities(p.effective), unless(p.effective == 0, "holds "+capabilities(p.effective))},
			{"no_new_privs", "set", fmt.Sprintf("%d of %d threads without", p.mayGain, p.threads), unless(p.mayGain == 0, "may gain privilege by executing a program (no_new_privs unset)")},
		}
	})
}

// UnfilteredVMM detects a virtual machine monitor any of whose threads runs without
// a seccomp filter.
func UnfilteredVMM() Detection {
	return eachProcess(vmmRole, "all of whose threads run under a seccomp filter", func(_ *hosted, p hostProcess) []fault { return []fault{unfiltered(p)} })
}

func unfiltered(p hostProcess) fault {
	got := fmt.Sprintf("%d of %d threads without", p.unfiltered, p.threads)
	return fault{"seccomp", "a filter on every thread", got, unless(p.unfiltered == 0, fmt.Sprintf("runs %d of %d threads without a seccomp filter (%s)", p.unfiltered, p.threads, p.bare))}
}

// NodesNetwork detects a virtual machine monitor that works in the network namespace
// of the node, or in another than its pod's. Its shim's is the node's by design, and
// its file server has one of its own.
func NodesNetwork() Detection {
	demands := func(h *hosted, p hostProcess) []fault {
		got := p.namespaces["net"]
		switch {
		case got == h.node["net"]:
			return []fault{{"net", "not the node's " + h.node["net"], got, "works in the node's network namespace"}}
		case h.netns == "" || h.netns == netnsLost:
			return []fault{{"net", "not the node's " + h.node["net"], got, ""}}
		default:
			return []fault{{"net", "the pod's " + h.netns, got, unless(got == h.netns, "works in a network namespace that is not its pod's")}}
		}
	}
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		monitors, err := h.of(vmmRole)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		sound := "in the pod's network namespace"
		if h.netns == "" {
			sound = "in a network namespace that is not the node's; the runtime names none for the pod to compare it with"
		}
		sight := held(h, monitors, sound, demands)
		if sight.Outcome == Undetected && h.netns == netnsLost {
			sight.Outcome, sight.Reason = Unknown, "works in a network namespace that cannot be compared: the one that the runtime names for the pod was not found"
		}
		return sight
	}
}

// OutsideCgroup detects a monitor or file server that runs outside of its pod's
// cgroup, so that what it takes is not limited with the pod, nor counted for it.
func OutsideCgroup() Detection {
	inPod := func(h *hosted, p hostProcess) []fault {
		uid := h.sandbox.PodUID
		inside := slices.ContainsFunc(p.cgroups, func(path string) bool {
			return strings.Contains(path, uid) || strings.Contains(path, strings.ReplaceAll(uid, "-", "_"))
		})
		return []fault{{"cgroup", "below the pod's", strings.Join(p.cgroups, " "), unless(inside, "runs outside of the pod's cgroup, in "+shorten(p.cgroups))}}
	}
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		monitors, err := h.of(vmmRole)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		found := monitors
		if h.sandbox.Kind() == KindVM {
			servers, _ := h.of(virtiofsdRole)
			found = append(slices.Clone(monitors), servers...)
		}
		return held(h, found, "all in the pod's cgroup", inPod)
	}
}

// fileServers are the processes that serve a guest its files, or the sight that ends
// the detection because there are none. Where virtiofsd runs as two processes, the
// parent only waits for its child, which does the work and is the one to be judged.
func (h *hosted) fileServers(seen evidence.Vantage) ([]hostProcess, *Sight) {
	all, err := h.of(virtiofsdRole)
	if err != nil {
		return nil, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	parents := map[string]bool{}
	for _, p := range all {
		parents[p.parent] = true
	}
	workers := slices.DeleteFunc(slices.Clone(all), func(p hostProcess) bool { return parents[p.pid] })
	if len(workers) > 0 {
		return workers, nil
	}
	monitors, err := h.of(vmmRole)
	if err != nil {
		return nil, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	for _, p := range monitors {
		if strings.Contains(strings.Join(h.arguments(p.pid), " "), "vhost-user-fs") {
			return nil, &Sight{Outcome: Unknown, Reason: fmt.Sprintf("has a monitor, %s, that is served files by a process which was not found", p)}
		}
	}
	if h.sharedFS == "inline-virtio-fs" {
		return nil, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s is served its files by its shim itself (inline-virtio-fs): vmm-posture and vmm-seccomp judge that process", seen)}
	}
	if strings.HasPrefix(h.sharedFS, "virtio-fs") {
		// Not every monitor is told of its file server by arguments.
		return nil, &Sight{Outcome: Unknown, Reason: fmt.Sprintf("shares files by %s, and the process that serves them was not found", h.sharedFS)}
	}
	return nil, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s is served no files by a process of the node: it has no virtiofsd", seen)}
}

// fileServerCapabilities are what virtiofsd keeps to act for any user of the guest:
// CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, SETGID, SETUID, MKNOD and
// SETFCAP (virtiofsd's own list, as Kata 4.1 was seen to run it).
const fileServerCapabilities uint64 = 0x880000df

// LooseFileServer detects a virtiofsd that works with the node's files as its own
// root, without a seccomp filter, or with capabilities that no file server needs. A
// guest that takes it over is then on the node.
func LooseFileServer() Detection {
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		workers, done := h.fileServers(c.Seen.Vantage)
		if done != nil {
			return *done
		}
		return held(h, workers, "shut into the sandbox's own folder, under a seccomp filter and with a file server's capabilities alone", func(h *hosted, p hostProcess) []fault {
			shut := h.sandbox.ID != "" && (strings.Contains(p.rootLink, h.sandbox.ID) || p.namespaces["mnt"] != h.node["mnt"] && strings.Contains(p.rootMount, h.sandbox.ID))
			beyond := p.effective &^ fileServerCapabilities
			return []fault{
				{"root", "the sandbox's folder", strings.TrimSpace(p.rootLink + " " + p.rootMount), unless(shut, "has the node's files as its root")},
				unfiltered(p),
				{"cap_eff", fmt.Sprintf("within %#x", fileServerCapabilities), capabilities(p.effective), unless(beyond == 0, fmt.Sprintf("holds capabilities that no file server needs (%#x)", beyond))},
			}
		})
	}
}
