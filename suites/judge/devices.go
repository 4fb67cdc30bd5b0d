package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// SeesLoopDevice detects the block device of random size that the witness
// attached to the node, by name and size together.
func SeesLoopDevice() Detection {
	return func(c *Case) Sight {
		plants, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Act, "plants")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot have seen anything: witness %v", err)}
		}
		device, named := plants.Values.Text("loop_device")
		sectors, sized := plants.Values.Number("loop_sectors")
		if !named || !sized {
			failed, _ := plants.Values.List("failed")
			return Sight{Outcome: NoTruth, Reason: "no loop device could be attached on the node: " + because(failed, "loop")}
		}
		seen, err := c.observe(c.Seen, evidence.LookAgain, "partitions")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if done := notSeen(seen); done != nil {
			return *done
		}
		entries, ok := seen.Values.List("entries")
		if !ok {
			return Sight{Outcome: Unknown, Reason: "gave no list entries"}
		}
		want := fmt.Sprintf("%s %d", strings.TrimPrefix(device, "/dev/"), sectors)
		match := slices.Contains(entries, want)
		sight := Sight{Outcome: Undetected, Reason: "does not list the node's loop device",
			Readings: []Reading{listReading("entries", []string{want}, entries, match)}}
		if match {
			sight.Outcome, sight.Reason = Detected, fmt.Sprintf("lists the node's loop device (%s sectors)", want)
		}
		return sight
	}
}

// OpensDevices detects device nodes of the hypervisor that the vantage could
// open. Where the node has none there is nothing that could be handed out.
func OpensDevices() Detection {
	opened := Reached("device-nodes", "opened", evidence.Look)
	return func(c *Case) Sight {
		node, err := c.observe(c.Truth, evidence.Look, "device-nodes")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s %v", c.Truth.Vantage, err)}
		}
		sight := opened(c)
		present, _ := node.Values.List("present")
		if len(present) == 0 && sight.Outcome == Undetected {
			return Sight{Outcome: NoTruth, Reason: "the node has no /dev/kvm, /dev/vhost-* or /dev/vfio/*"}
		}
		return sight
	}
}

// SharesDiskIDs detects a disk of the node by what identifies it or a file
// system on it. Where the node's disks themselves carry no identifier, as those
// of many virtual machines do not, nothing shows that a container would read
// one: file system UUIDs are links in the node's /dev, which runc's containers
// do not have.
func SharesDiskIDs() Detection {
	shares := SharesAny("disk-ids", "ids")
	return func(c *Case) Sight {
		sight := shares(c)
		if sight.Outcome != Undetected {
			return sight
		}
		node, err := c.observe(c.Truth, evidence.Look, "disk-ids")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s %v", c.Truth.Vantage, err)}
		}
		ids, _ := node.Values.List("ids")
		if !slices.ContainsFunc(ids, func(id string) bool { return !strings.HasPrefix(id, evidence.FileSystemUUID) }) {
			return Sight{Outcome: NoTruth, Readings: sight.Readings,
				Reason: "the node's disks show no serial number, WWN or device mapper UUID, and the UUIDs of its file systems are no container's to read"}
		}
		return sight
	}
}

func because(lines []string, plant string) string {
	for _, line := range lines {
		if reason, ok := strings.CutPrefix(line, plant+":"); ok {
			return strings.TrimSpace(reason)
		}
	}
	return "no reason given"
}
