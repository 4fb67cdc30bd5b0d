package reports_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// requirement is an entry of a PRODUCT.yaml.
type requirement struct {
	ID, Description, Level, Status, Notes string
	Evidence                              []string
}

func requirementOf(t *testing.T, r *reports.Report) requirement {
	t.Helper()
	var document struct {
		Spec struct{ Security []requirement }
	}
	if err := yaml.UnmarshalStrict(rendered(t, "cncf", r), &document); err != nil || len(document.Spec.Security) != 1 {
		t.Fatalf("%v, %+v", err, document)
	}
	return document.Spec.Security[0]
}

func TestConformanceClaimsWhatWasShown(t *testing.T) {
	ids := []string{"gpu-allocation", "gpu-unrequested", "gpu-exclusive"}
	const pass, fail, invalid, absent, fault = judge.Pass, judge.Fail, judge.Invalid, judge.NotApplicable, judge.Error
	for _, test := range []struct {
		// first and second are the verdicts on two nodes; none where nil.
		first, second  []judge.Result
		status, remark string
	}{
		{nil, nil, "", "nothing was proven"},
		{[]judge.Result{absent, absent, absent}, nil, "", "nothing was proven"},
		{[]judge.Result{absent, fault, absent}, nil, "", "nothing was proven"},
		{[]judge.Result{pass, pass, pass}, nil, "Implemented", "3 pass on node-0"},
		{[]judge.Result{pass, pass, pass}, []judge.Result{absent, absent, absent}, "Implemented", "3 not-applicable, 3 pass on node-0"},
		{[]judge.Result{pass, pass, absent}, nil, "Partially Implemented", "Not everything"},
		{[]judge.Result{pass, pass, pass}, []judge.Result{pass, pass, fault}, "Partially Implemented", "1 error"},
		{[]judge.Result{pass, pass, invalid}, nil, "Partially Implemented", "1 invalid"},
		{[]judge.Result{pass, pass, pass}, []judge.Result{pass, fail, pass}, "Not Implemented", "1 fail"},
		{[]judge.Result{absent, fail, absent}, nil, "Not Implemented", "1 fail"},
	} {
		r := sample.Sandboxed()
		r.Targets, r.Verdicts = nil, nil
		for node, results := range [][]judge.Result{test.first, test.second} {
			if results == nil {
				continue
			}
			r.Controls = nil
			target := "node-" + string(rune('0'+node))
			r.Targets = append(r.Targets, reports.Target{ID: target})
			for i, id := range ids {
				r.Controls = append(r.Controls, reports.Control{ID: id, Level: catalogue.Isolation})
				r.Verdicts = append(r.Verdicts, reports.Verdict{Control: id, Target: target, Verdict: judge.Verdict{Result: results[i]}})
			}
		}
		r.Conclude()
		got := requirementOf(t, r)
		if got.Status != test.status || !strings.Contains(got.Notes, test.remark) {
			t.Errorf("%v %v: status %q, %q, want %q and %q", test.first, test.second, got.Status, got.Notes, test.status, test.remark)
		}
		if got.ID != "secure_accelerator_access" || got.Level != "MUST" || !strings.HasPrefix(got.Description, "Ensure that access to accelerators") {
			t.Errorf("the requirement was changed: %+v", got)
		}
		if points := strings.Join(got.Evidence, " "); test.first != nil && !strings.Contains(points, "report.html#control-gpu-exclusive") || !strings.Contains(points, "evidence.jsonl") {
			t.Errorf("the evidence is %q", points)
		}
	}
}

func TestConformanceOfAHostileRunIsYAML(t *testing.T) {
	r := sample.Hostile()
	r.Conclude()
	if got := requirementOf(t, r); got.Status != "" {
		t.Errorf("the status is %q", got.Status)
	}
}
