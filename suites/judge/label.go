package judge

import (
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// confinement says what a security module makes of a process with this label.
type confinement int

const (
	unlabelled confinement = iota // no label, or of a module that is not known here
	unconfined
	confined
)

// unconfinedTypes are SELinux types of processes that the policy does not hold.
var unconfinedTypes = []string{"unconfined_t", "unconfined_service_t", "spc_t", "kernel_t", "container_runtime_t"}

// confinementBy reads a label as AppArmor and SELinux write it into
// /proc/<pid>/attr/current: "profile (mode)" or "unconfined", and
// "user:role:type:level".
func confinementBy(label string) confinement {
	switch parts := strings.Split(label, ":"); {
	case label == "unconfined", strings.HasSuffix(label, " (complain)"), strings.HasSuffix(label, " (unconfined)"):
		return unconfined
	case strings.HasSuffix(label, " (enforce)"), strings.HasSuffix(label, " (kill)"):
		return confined
	case len(parts) < 3 || strings.ContainsAny(label, " /"):
		return unlabelled
	case slices.Contains(unconfinedTypes, parts[2]):
		return unconfined
	default:
		return confined
	}
}

// label compares a label that does not confine with the reference's, which has
// the same spec. Where the reference is confined, so should this one be; where
// the node has no security module, or the kernel inside has none, nothing is
// asked for. The error says why it cannot be told.
func (c *Case) label(label string) (wanted string, loose bool, err error) {
	if confinementBy(label) != unconfined {
		return "", false, nil
	}
	reference, err := c.observe(c.Evidence.View(evidence.Reference), evidence.Look, "posture")
	if err != nil {
		return "", false, err
	}
	wanted, _ = reference.Values.Text("lsm")
	return wanted, confinementBy(wanted) == confined, nil
}
