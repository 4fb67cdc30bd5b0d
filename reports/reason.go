package reports

import "github.com/katacert/katacert/suites/judge"

// reason is one cause for which a control was not proven, and the targets that
// it holds for.
type reason struct {
	// Row is the verdict for the first of the targets.
	Row
	targets []string
}

// Targets names the targets, the first few of many.
func (r reason) Targets() string { return firstFew(r.targets) }

// notProven gathers the verdicts that are neither pass nor fail by control and
// reason, worst first: on a thousand nodes one missing interface is one line.
func notProven(sheets []Sheet) []reason {
	type key struct{ control, text string }
	var all []reason
	for _, result := range []judge.Result{judge.Error, judge.Invalid, judge.NotApplicable} {
		index := map[key]int{}
		for _, sheet := range sheets {
			for _, row := range sheet.Rows {
				if row.Verdict.Result != result {
					continue
				}
				k := key{row.Control.ID, row.Verdict.Reason}
				i, ok := index[k]
				if !ok {
					i = len(all)
					index[k] = i
					all = append(all, reason{Row: row})
				}
				all[i].targets = append(all[i].targets, row.Verdict.Target)
			}
		}
	}
	return all
}
