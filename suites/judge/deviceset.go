package judge

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// fewestNodes is the least number of device nodes beyond the standard ones by
// which a node's set of them can be recognised.
const fewestNodes = 3

// HasDevicesOf detects that at least half of the node's device nodes, those apart
// that every container has, are there by name. Single ones may be passed on
// purpose. Numbers do not count: a guest gives those that it is passed numbers of
// its own.
func HasDevicesOf() Detection {
	return func(c *Case) Sight {
		truth, seen, done := c.both("device-set")
		if done != nil {
			return *done
		}
		want, ok := truth.Values.List("nodes")
		got, has := seen.Values.List("nodes")
		switch {
		case !ok || !has:
			return Sight{Outcome: Unknown, Reason: "gave no list nodes"}
		case len(want) < fewestNodes:
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("the node has only %d device nodes that a container has not anyway", len(want))}
		}
		shared := intersect(withoutNumbers(want), withoutNumbers(got))
		match := 2*len(shared) >= len(want)
		sight := Sight{Outcome: Undetected, Reason: fmt.Sprintf("has %d of the node's %d device nodes", len(shared), len(want)),
			Readings: []Reading{listReading("nodes", want, got, match)}}
		switch {
		case match:
			sight.Outcome = Detected
		case cut(truth) || cut(seen):
			return Sight{Outcome: Unknown, Reason: "cannot be compared: there are more device nodes than are read"}
		}
		return sight
	}
}

// withoutNumbers takes "path type major:minor" for "path type".
func withoutNumbers(nodes []string) []string {
	names := make([]string, len(nodes))
	for i, node := range nodes {
		names[i] = node[:max(0, strings.LastIndexByte(node, ' '))]
	}
	return names
}

// OpensLikeNode detects a vantage on the node's own kernel that opens something
// which the node's root opens too. Where not even that one opens any, because the
// kernel was built or booted without, there is nothing to open.
func OpensLikeNode(probe string) Detection {
	opens := OnNodesKernel(Reached(probe, "opened", evidence.Look))
	return func(c *Case) Sight {
		node, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: witness " + err.Error()}
		}
		sight := opens(c)
		if sight.Outcome == Detected || sight.Outcome == Unknown {
			return sight
		}
		switch can, ok := node.Values.List("opened"); {
		case !ok:
			return Sight{Outcome: Unknown, Reason: "cannot be compared: witness gave no list opened"}
		case len(can) == 0:
			refused, _ := node.Values.List("refused")
			return Sight{Outcome: NoTruth, Reason: "the node's own root opens none of them: " + shorten(refused)}
		}
		return sight
	}
}

// OpensOwnBlocks detects block devices that the vantage sees and can open.
func OpensOwnBlocks() Detection { return Reached("block-open", "opened", evidence.Look) }
