package judge

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
)

// LeftOnNode detects a vantage whose probe left its sign on the node, by the
// witness's record of what it planted there.
func LeftOnNode(plant, probe string) Detection {
	logged := tried(probe, Logged(plant))
	return func(c *Case) Sight {
		// Where nothing is planted the probes are told nothing: that is no lack of
		// theirs.
		if done := c.unplanted(plant); done != nil {
			return *done
		}
		return logged(c)
	}
}

// ShowsNodesProcSys detects a mount of the pod, besides its own /proc and /sys,
// that shows the node's kernel: its boot id or the address of its vmcoreinfo, or
// the process that the witness planted.
func ShowsNodesProcSys() Detection {
	const probe = "procsys"
	return func(c *Case) Sight {
		if done := c.unplanted("process"); done != nil {
			return *done
		}
		seen, err := c.observe(c.Seen, evidence.LookAgain, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if done := notSeen(seen); done != nil {
			return *done
		}
		processes, told := seen.Values.List("processes")
		if !told {
			return Sight{Outcome: Unknown, Reason: "gave no list processes"}
		}
		sight := Sight{Outcome: Undetected, Reason: "shows the node's procfs and sysfs at none of its mounts",
			Readings: []Reading{listReading("processes", []string{"the planted process"}, processes, len(processes) > 0)}}
		if len(processes) > 0 {
			sight.Outcome, sight.Reason = Detected, fmt.Sprintf("shows the process that was planted on the node at %s", processes[0])
		}
		if len(processes) == 0 && unsearched(seen) {
			return Sight{Outcome: Unknown, Reason: reasonUnsearched}
		}
		for _, signal := range []struct{ probe, reading, list, what string }{
			{"boot-id", "boot_id", "boot_ids", "procfs"},
			{"vmcoreinfo", "address", "vmcoreinfo", "sysfs"},
		} {
			got, _ := seen.Values.List(signal.list)
			if len(got) == 0 {
				continue // nothing that could be the node's
			}
			of, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, signal.probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: witness %v", err)}
			}
			want, has := of.Values.Text(signal.reading)
			if !has && (of.State == evidence.Seen || signal.probe == "boot-id") {
				return Sight{Outcome: Unknown, Reason: "cannot be compared: witness gave no " + signal.reading}
			}
			if !has {
				continue // the node itself tells no address
			}
			match := contains(got, want)
			sight.Readings = append(sight.Readings, listReading(signal.list, []string{want}, got, match))
			if match && sight.Outcome != Detected {
				sight.Outcome, sight.Reason = Detected, fmt.Sprintf("shows the node's own %s in place of a volume's files", signal.what)
			}
		}
		return sight
	}
}

// OpensReleaseAgent detects a vantage that can open the file by which the node's
// kernel starts a program of the vantage's choice, on a cgroup hierarchy of
// version 1. A node that has none, or is itself in a cgroup namespace, has
// nothing to be opened.
func OpensReleaseAgent() Detection {
	const probe = "release-agent"
	opened := OnNodesKernel(Reached(probe, "opened", evidence.Look))
	return func(c *Case) Sight {
		node, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: witness %v", err)}
		}
		hierarchies, told := node.Values.List("hierarchies")
		if node.State == evidence.Seen && !told {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: witness gave no list hierarchies"}
		}
		if len(hierarchies) == 0 {
			return Sight{Outcome: NoTruth, Reason: "the node shows no release_agent: it has no cgroup hierarchy of version 1, or is in a cgroup namespace itself"}
		}
		return opened(c)
	}
}
