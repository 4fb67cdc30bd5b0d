package terminal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

func (t *table) sheets(sheets []reports.Sheet) {
	var quiet []reports.Sheet
	for _, sheet := range sheets {
		rows, _ := sheet.Worst()
		if len(sheets) > mostNamed && !slices.ContainsFunc(rows, troubling) {
			quiet = append(quiet, sheet)
			continue
		}
		t.sheet(sheet, len(sheets) <= mostNamed)
	}
	if t.unshown > 0 {
		t.line("\n… %s more that are no pass, in the reports", count(t.unshown, "verdict"))
	}
	if len(quiet) > 0 {
		t.line("")
	}
	for _, sheet := range quiet[:min(len(quiet), mostQuiet)] {
		rows, passed := sheet.Worst()
		t.wrapped("  "+t.mark(string(judge.Pass)), markWidth+4, fmt.Sprintf("%s: %s%s", judge.Printable(sheet.Target.ID, 200), count(passed, "control"), absent(len(rows))))
	}
	if more := len(quiet) - mostQuiet; more > 0 {
		t.line("  … %s more on which nothing failed", count(more, "target"))
	}
}

func troubling(row reports.Row) bool { return row.Verdict.Result != judge.NotApplicable }

func absent(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d not applicable", n)
}

// sheet shows one target. Where it is one of many, only what is troubling is
// named.
func (t *table) sheet(sheet reports.Sheet, named bool) {
	t.line("\n%s", t.paint(bold, cut(judge.Printable(sheet.Target.ID, 200), t.Width)))
	if about := describe(sheet.Target); about != "" {
		t.line("  %s", t.paint(dim, cut(about, t.Width-2)))
	}
	if versions := sheet.Target.Versions(); versions != "" {
		t.line("  %s", t.paint(dim, cut("Kata's "+judge.Printable(versions, 400), t.Width-2)))
	}
	rows, passed := sheet.Worst()
	quiet := 0
	if !named {
		all := len(rows)
		rows = slices.DeleteFunc(rows, func(row reports.Row) bool { return !troubling(row) })
		quiet = all - len(rows)
	}
	for _, alike := range group(rows) {
		if t.details++; t.details > mostDetails {
			t.unshown += len(alike)
			continue
		}
		t.rows(alike)
	}
	if passed == 0 && quiet == 0 {
		return
	}
	text := count(passed, "control") + absent(quiet)
	if named {
		text = fmt.Sprintf("%d: %s", passed, passes(sheet))
	}
	t.wrapped("  "+t.mark(string(judge.Pass)), markWidth+4, text)
}

func passes(sheet reports.Sheet) string {
	var names []string
	for _, row := range sheet.Rows {
		if row.Verdict.Result == judge.Pass {
			names = append(names, row.Control.ID)
		}
	}
	return strings.Join(names, ", ")
}

// group gathers neighbouring verdicts without readings that have one reason,
// such as the many errors of a pod that did not start.
func group(rows []reports.Row) [][]reports.Row {
	var groups [][]reports.Row
	for i, row := range rows {
		if i > 0 {
			before := rows[i-1].Verdict
			if row.Verdict.Result == before.Result && row.Verdict.Reason == before.Reason && len(row.Verdict.Compared)+len(before.Compared) == 0 {
				groups[len(groups)-1] = append(groups[len(groups)-1], row)
				continue
			}
		}
		groups = append(groups, []reports.Row{row})
	}
	return groups
}

// rows shows verdicts that share mark and reason.
func (t *table) rows(alike []reports.Row) {
	var ids []string
	for _, row := range alike {
		ids = append(ids, row.Control.ID)
	}
	names := judge.Printable(strings.Join(ids, ", "), 4000)
	if len(ids) > 1 {
		names = fmt.Sprintf("%d: %s", len(ids), names)
	}
	t.wrapped("  "+t.mark(alike[0].Mark()), markWidth+4, names)
	t.wrapped(strings.Repeat(" ", markWidth+4), markWidth+4, judge.Printable(alike[0].Verdict.Reason, 400))
	if result := alike[0].Verdict.Result; result == judge.Fail || result == judge.Invalid {
		t.readings(alike[0])
	}
}
