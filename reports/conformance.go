package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/katacert/katacert/suites/judge"
)

// The requirement of CNCF's AI conformance that katacert has evidence for
// (https://github.com/cncf/ai-conformance, docs/AIConformance-1.35.yaml). Its id,
// description and level must stay as they are there.
const (
	accessID          = "secure_accelerator_access"
	accessDescription = "Ensure that access to accelerators from within containers is properly isolated and mediated by the Kubernetes resource management " +
		"framework (device plugin or DRA) and container runtime, preventing unauthorized access or interference between workloads."
	accessLevel = "MUST"
)

// accessControls are the controls that are the requirement's own words: a pod has the
// GPUs that it was given, none that it did not ask for, and none of another's.
var accessControls = []string{"gpu-allocation", "gpu-unrequested", "gpu-exclusive"}

// writeConformance writes the entry of the requirement for a PRODUCT.yaml. Its status
// is left empty where nothing was proven: that is for people to fill in.
func writeConformance(w io.Writer, r *Report) error {
	var rows []Row
	for _, sheet := range r.Sheets() {
		for _, row := range sheet.Rows {
			if slices.Contains(accessControls, row.Control.ID) {
				rows = append(rows, row)
			}
		}
	}
	status, notes := accessStatus(r, rows)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# For spec.security of PRODUCT.yaml. Publish the files that the evidence names beside it.")
	line("spec:\n  security:\n    - id: %s\n      description: %s\n      level: %s", accessID, quoted(accessDescription), accessLevel)
	line("      status: %s\n      evidence:", quoted(status))
	for _, id := range accessControls {
		if slices.ContainsFunc(rows, func(row Row) bool { return row.Control.ID == id }) {
			line("        - %s", quoted("report.html#control-"+id))
		}
	}
	for _, file := range []string{"report.json", "evidence.jsonl", "bundle.tar.gz"} {
		line("        - %s", quoted(file))
	}
	line("      notes: %s", quoted(notes))
	_, err := io.WriteString(w, b.String())
	return err
}

// accessStatus claims no more than was shown: all of it only where each of the
// controls passed somewhere and none came to anything but a pass or not-applicable.
func accessStatus(r *Report, rows []Row) (status, notes string) {
	passed, counts := map[string]bool{}, map[judge.Result]int{}
	var targets []string
	for _, row := range rows {
		counts[row.Verdict.Result]++
		if row.Verdict.Result == judge.Pass {
			passed[row.Control.ID] = true
			if !slices.Contains(targets, row.Verdict.Target) {
				targets = append(targets, row.Verdict.Target)
			}
		}
	}
	notes = fmt.Sprintf("katacert %s, run %s, Kubernetes %s. ", r.Run.Version, r.Run.ID, orUnknown(r.Cluster.Kubernetes))
	var said []string
	for _, result := range judge.Results() {
		if counts[result] > 0 {
			said = append(said, fmt.Sprintf("%d %s", counts[result], result))
		}
	}
	switch {
	case len(rows) == 0:
		return "", notes + "The run had none of the controls of access to GPUs in its plan; nothing was proven."
	case len(passed) == 0 && counts[judge.Fail] == 0:
		return "", notes + "No control of access to GPUs passed (" + strings.Join(said, ", ") + "); nothing was proven."
	case counts[judge.Fail] > 0:
		return "Not Implemented", notes + "Controls of access to GPUs failed (" + strings.Join(said, ", ") + ")."
	case len(passed) < len(accessControls) || counts[judge.Error]+counts[judge.Invalid] > 0:
		return "Partially Implemented", notes + "Not everything was proven (" + strings.Join(said, ", ") + ")."
	default:
		return "Implemented", notes + "Every probe was shown able to fail on the same node (" + strings.Join(said, ", ") + " on " + firstFew(targets) + ")."
	}
}

// quoted is a text as YAML takes it, which JSON's texts are.
func quoted(text string) string {
	out, err := json.Marshal(judge.Printable(text, longestReason))
	if err != nil {
		return `""` // a text always has a form
	}
	return string(EscapeInvisible(out))
}
