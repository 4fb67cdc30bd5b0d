package bundle

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// judgeAgain derives the verdicts from the evidence and holds the report's against
// them.
func (v *verification) judgeAgain() {
	controls, missing := v.controls()
	again := *v.report
	again.Verdicts = nil
	for _, t := range v.report.Targets {
		records, err := v.journal.of(t.ID)
		if err != nil {
			v.fault(checkVerdicts, err.Error())
			return
		}
		if len(records) == 0 {
			continue // as in the run: Conclude says why there is no verdict
		}
		gathered := judge.Gather(records)
		v.sameRuntime(t, gathered)
		for id, verdict := range catalogue.JudgeAll(controls, gathered) {
			again.Verdicts = append(again.Verdicts, reports.Verdict{Control: id, Target: t.ID, Verdict: verdict})
		}
	}
	again.Conclude()
	words := v.holdAgainst(&again, missing)
	switch {
	case len(missing) > 0:
		v.skipped(checkVerdicts, fmt.Sprintf("this katacert does not have %s of the run (%.200s): verify with katacert %s", numbers.Plural(len(missing), "control"), fmt.Sprint(missing), v.manifest.Tool.Version))
	case words > 0:
		v.skipped(checkVerdicts, fmt.Sprintf("%s came out the same with other words or readings, as another version may judge: verify with katacert %s", numbers.Plural(words, "verdict"), v.manifest.Tool.Version))
	default:
		v.sound(checkVerdicts, fmt.Sprintf("judged again from %s: the same", numbers.Plural(v.journal.records, "record")))
	}
}

// controls are those of the report, and the ids of those that this program lacks.
func (v *verification) controls() (found []catalogue.Control, missing []string) {
	for _, c := range v.report.Controls {
		i := slices.IndexFunc(v.by.Controls, func(have catalogue.Control) bool { return have.ID == c.ID })
		if i < 0 {
			missing = append(missing, c.ID)
			continue
		}
		found = append(found, v.by.Controls[i])
	}
	return found, missing
}

// holdAgainst compares the verdicts of the report with those judged again. It returns
// how many came out the same in other words, where another version judges.
func (v *verification) holdAgainst(again *reports.Report, missing []string) (words int) {
	if len(again.Verdicts) != len(v.report.Verdicts) {
		v.fault(checkVerdicts, fmt.Sprintf("the report has %s, judged again there are %d", numbers.Plural(len(v.report.Verdicts), "verdict"), len(again.Verdicts)))
		return 0
	}
	// What a run says of controls that it did not come to judge.
	unjudged := *v.report
	unjudged.Verdicts = nil
	unjudged.Conclude()
	cutShort := v.report.Run.Interrupted != "" || v.report.Run.SetupError != ""
	passedOver := 0
	for i, had := range v.report.Verdicts {
		want := again.Verdicts[i]
		switch {
		case slices.Contains(missing, had.Control):
		case had.Control != want.Control || had.Target != want.Target:
			v.fault(checkVerdicts, fmt.Sprintf("the verdict of %.60s [%.120s] stands where that of %s [%.120s] has to", had.Control, had.Target, want.Control, want.Target))
		case same(had, want):
		case cutShort && same(had, unjudged.Verdicts[i]):
			passedOver++
		case had.Result != want.Result:
			v.fault(checkVerdicts, fmt.Sprintf("%s [%.120s]: the report says %s (%.300s), its evidence comes to %s (%.300s)%s",
				had.Control, had.Target, had.Result, had.Reason, want.Result, want.Reason, v.otherJudge()))
		case v.sameJudge:
			v.fault(checkVerdicts, fmt.Sprintf("%s [%.120s]: %s is right, and its reason or readings are not those of the evidence: the report says %.300s, its evidence comes to %.300s",
				had.Control, had.Target, had.Result, had.Reason, want.Reason))
		default:
			words++
		}
	}
	if passedOver > 0 {
		v.note(fmt.Sprintf("The run was cut short before %s were given; they count as errors, as the report says.", numbers.Plural(passedOver, "verdict")))
	}
	return words
}

// otherJudge adds to a verdict that came out otherwise that another program judged.
func (v *verification) otherJudge() string {
	if v.sameJudge {
		return ""
	}
	return fmt.Sprintf("; the run was judged by katacert %.60s, this is %s: verify with that version before you draw conclusions", v.manifest.Tool.Version, v.by.Version)
}

// same compares two verdicts as they are kept.
func same(a, b reports.Verdict) bool {
	left, err := json.Marshal(a)
	if err != nil {
		return false
	}
	right, err := json.Marshal(b)
	return err == nil && string(left) == string(right)
}

// sameRuntime checks that the runtime which the report names, and what it is made of,
// are those that the witness saw.
func (v *verification) sameRuntime(t reports.Target, gathered judge.Evidence) {
	have := reports.RuntimeOf(gathered)
	if have != t.Runtime && v.report.Run.Interrupted == "" {
		v.fault(checkVerdicts, fmt.Sprintf("target %.120s: the report says that %q ran it (SHA-256 %.16s…), its evidence %q (%.16s…)", t.ID, t.Runtime.Shim, t.Runtime.Digest, have.Shim, have.Digest))
	}
	if v.sameJudge && v.report.Run.Interrupted == "" && !slices.Equal(reports.PartsOf(gathered), t.Parts) {
		v.fault(checkVerdicts, fmt.Sprintf("target %.120s: the report names other files or versions of Kata than its evidence", t.ID))
	}
}
