package certification

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/isolation"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/platform"
)

// judgedNodes judges evidence of targets, one a node, and writes their report.
func judgedNodes(t *testing.T, evidenceOf map[string]*scene.Scene) (*reports.Report, string) {
	t.Helper()
	o := optionsFor(t, "")
	r, err := begin(o)
	if err != nil {
		t.Fatal(err)
	}
	r.plan.Controls = slices.Concat(isolation.Controls(), platform.Controls())
	r.report.Controls = nil
	for _, c := range r.plan.Controls {
		r.report.Controls = append(r.report.Controls, reports.Entry(c))
	}
	for name, s := range evidenceOf {
		target := Target{ID: name + "/kata-runtime", Node: *node(name), Class: *class("kata-runtime", "kata")}
		r.plan.Targets = append(r.plan.Targets, target)
		r.report.Targets = append(r.report.Targets, reports.Target{ID: target.ID, Node: describeNode(target.Node), RuntimeClass: target.Class.Name, Handler: target.Class.Handler})
		for _, record := range s.Records() {
			record.Target, record.Pod.Node = target.ID, name
			r.evidence.add(record)
		}
	}
	r.judge()
	r.finish()
	if _, err := reports.Write(r.dir, r.report); err != nil {
		t.Fatal(err)
	}
	summary, err := os.ReadFile(filepath.Join(r.dir, "summary.md"))
	if err != nil {
		t.Fatal(err)
	}
	return r.report, string(summary)
}

// A RuntimeClass that stands for Kata on one node and for plain containers on the
// other is not certified, and the report names the node.
func TestOneOfTwoNodesMapsKataToRunc(t *testing.T) {
	good, bad := scene.Whole(scene.ShimKata, scene.Guest()), scene.Whole(scene.ShimRunc, scene.Node())
	report, summary := judgedNodes(t, map[string]*scene.Scene{"good-node": good, "bad-node": bad})
	if report.Outcome != reports.NotCertified {
		t.Errorf("outcome %s", report.Outcome)
	}
	failed := map[string][]string{}
	for _, v := range report.Verdicts {
		if v.Result == judge.Fail {
			failed[v.Target] = append(failed[v.Target], v.Control)
		}
	}
	for _, id := range []string{"kernel-boot-id", "kernel-boot-time", "runtimeclass-handler"} {
		if !slices.Contains(failed["bad-node/kata-runtime"], id) {
			t.Errorf("%s does not fail on the node that runs plain containers", id)
		}
	}
	if len(failed["good-node/kata-runtime"]) > 0 {
		t.Errorf("on the good node fail %v", failed["good-node/kata-runtime"])
	}
	if headline := report.Headline(); !strings.Contains(headline, "on 1 of 2 targets") {
		t.Errorf("headline %q", headline)
	}
	if !strings.Contains(summary, "bad-node/kata-runtime") || !strings.Contains(summary, "runtimeclass-handler") {
		t.Errorf("the summary does not name the node:\n%s", summary)
	}
}

// The same with Kata on both nodes is certified.
func TestTwoNodesWithKata(t *testing.T) {
	report, _ := judgedNodes(t, map[string]*scene.Scene{
		"one": scene.Whole(scene.ShimKata, scene.Guest()), "two": scene.Whole(scene.ShimKata, scene.Guest())})
	if report.Outcome != reports.Certified {
		for _, v := range report.Verdicts {
			if v.Result != judge.Pass && v.Result != judge.NotApplicable {
				t.Logf("%s on %s: %s (%s)", v.Control, v.Target, v.Result, v.Reason)
			}
		}
		t.Errorf("outcome %s, %s", report.Outcome, report.Headline())
	}
	if report.Run.Require != catalogue.Isolation {
		t.Errorf("required is %s", report.Run.Require)
	}
}
