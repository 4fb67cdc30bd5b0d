// Package specs turns a planned certification into Ginkgo specs: one for each
// control and target, built while Ginkgo constructs its tree. The certification
// itself runs before the first spec; each spec asserts one verdict of its report.
package specs

import (
	"context"
	"fmt"
	"time"

	"github.com/onsi/ginkgo/v2"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// Declare builds the specs of a plan. Certify is called once, before the first
// of them. When it is interrupted it is given the time that ending may take,
// instead of Ginkgo's half a minute: what it made must be taken back.
func Declare(plan certification.Plan, ending time.Duration, certify func(context.Context) *reports.Report) {
	var report *reports.Report
	ginkgo.BeforeSuite(func(ctx ginkgo.SpecContext) {
		report = certify(ctx)
	}, ginkgo.GracePeriod(ending))
	for _, target := range plan.Targets {
		ginkgo.Describe(target.ID, ginkgo.Label("node:"+target.Node.Name, "runtime-class:"+target.Class.Name), func() {
			for _, control := range plan.Controls {
				ginkgo.It(control.ID+": "+control.Title, labels(control), func() {
					assert(report, control, target.ID)
				})
			}
		})
	}
}

func labels(c catalogue.Control) ginkgo.Labels {
	labels := ginkgo.Label("control:"+c.ID, "group:"+string(c.Group), "level:"+string(c.Level))
	for _, p := range catalogue.Profiles() {
		if c.In(p) {
			labels = append(labels, "profile:"+string(p))
		}
	}
	return labels
}

// assert holds a verdict against Ginkgo's three: a pass passes; what does not
// exist, and a finding that does not take the certificate, is skipped with its
// reason; everything else fails.
func assert(report *reports.Report, control catalogue.Control, target string) {
	ginkgo.GinkgoHelper()
	verdict, ok := find(report, control.ID, target)
	if !ok {
		ginkgo.Fail(fmt.Sprintf("control %s has no verdict for target %s", control.ID, target))
	}
	ginkgo.AddReportEntry("verdict", verdict, ginkgo.ReportEntryVisibilityNever)
	switch {
	case verdict.Result == judge.Pass:
	case verdict.Result == judge.NotApplicable:
		ginkgo.Skip("not applicable: " + verdict.Reason)
	case report.Finding(verdict):
		ginkgo.Skip("finding: " + verdict.Reason)
	default:
		ginkgo.Fail(fmt.Sprintf("%s: %s\n%s", verdict.Result, verdict.Reason, control.OnFail))
	}
}

func find(report *reports.Report, control, target string) (reports.Verdict, bool) {
	if report != nil {
		for _, v := range report.Verdicts {
			if v.Control == control && v.Target == target {
				return v, true
			}
		}
	}
	return reports.Verdict{}, false
}
