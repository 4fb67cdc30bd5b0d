package bundle

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/catalogue"
)

// complete checks that the report has what was asked for: the controls of the
// profile, each as the catalogue has it, with a verdict for every target. That there
// is a verdict for each, and an outcome that follows from them, reports.Decode holds.
func (v *verification) complete(sameCatalogue bool) {
	run := v.report.Run
	if v.configuration != nil {
		for _, option := range []struct{ name, reported string }{{"profile", string(run.Profile)}, {"require", string(run.Require)}} {
			if asked := v.configuration.text(option.name); asked != option.reported {
				v.fault(checkCompleteness, fmt.Sprintf("the run was made with --%s %.40q, the report says %.40q", option.name, asked, option.reported))
			}
		}
	}
	if sameCatalogue && v.configuration != nil {
		v.asCatalogued(catalogue.Choice{Profile: run.Profile, Controls: v.configuration.text("controls")})
	}
	targets := max(1, len(v.report.Targets))
	v.sound(checkCompleteness, fmt.Sprintf("%s for %s on %s", numbers.Plural(len(v.report.Verdicts), "verdict"), numbers.Plural(len(v.report.Controls), "control"), numbers.Plural(targets, "target")))
}

// asCatalogued checks that the report's controls are those that the choice selects,
// in order, and say what the catalogue says: a level that was lowered would make a
// finding of a fail.
func (v *verification) asCatalogued(choice catalogue.Choice) {
	chosen, err := catalogue.Select(v.by.Controls, choice)
	if err != nil {
		v.fault(checkCompleteness, "the configuration chooses no controls: "+err.Error())
		return
	}
	var want []string
	for _, c := range chosen {
		want = append(want, c.ID)
	}
	for i, c := range v.report.Controls {
		at := slices.Index(want, c.ID)
		if at < 0 {
			v.fault(checkCompleteness, fmt.Sprintf("control %.60s is in the report, and profile and --controls do not choose it", c.ID))
			continue
		}
		if !sameEntry(c, reports.Entry(chosen[at])) {
			v.fault(checkCompleteness, fmt.Sprintf("control %s is not told as the catalogue tells it", c.ID))
		}
		if at != i {
			v.fault(checkCompleteness, fmt.Sprintf("control %s is not in the place that it has in the catalogue", c.ID))
		}
	}
	for _, id := range want {
		if !slices.ContainsFunc(v.report.Controls, func(c reports.Control) bool { return c.ID == id }) {
			v.fault(checkCompleteness, fmt.Sprintf("control %s was chosen, and is not in the report", id))
		}
	}
}

func sameEntry(a, b reports.Control) bool {
	a.Refs, b.Refs = append([]catalogue.Ref{}, a.Refs...), append([]catalogue.Ref{}, b.Refs...)
	return reflect.DeepEqual(a, b)
}
