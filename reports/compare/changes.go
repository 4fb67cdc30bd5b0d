package compare

import (
	"cmp"
	"slices"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// pair is a target of the second run and the one of the first that it stands for.
type pair struct{ before, after reports.Target }

// match pairs the targets of two runs: by their ids, and what is left where each
// run has exactly one target of a RuntimeClass, because a cluster that was made anew
// has nodes of other names.
func match(before, after *reports.Report) (pairs []pair, notices []string) {
	was := map[string]reports.Target{}
	for _, t := range before.Targets {
		was[t.ID] = t
	}
	var left []reports.Target
	for _, t := range after.Targets {
		if old, ok := was[t.ID]; ok {
			pairs = append(pairs, pair{old, t})
			delete(was, t.ID)
			continue
		}
		left = append(left, t)
	}
	for _, t := range left {
		var same []reports.Target
		for _, old := range before.Targets {
			if _, free := was[old.ID]; free && old.RuntimeClass == t.RuntimeClass {
				same = append(same, old)
			}
		}
		rivals := 0
		for _, other := range left {
			if other.RuntimeClass == t.RuntimeClass {
				rivals++
			}
		}
		if len(same) == 1 && rivals == 1 {
			pairs = append(pairs, pair{same[0], t})
			delete(was, same[0].ID)
			notices = append(notices, "Target "+t.ID+" is compared with "+same[0].ID+", the only other one of its RuntimeClass.")
		}
	}
	return pairs, notices
}

// changes compares the verdicts of every control on every target.
func (c *Comparison) changes(before, after *reports.Report, pairs []pair) {
	was, is := rowsOf(before), rowsOf(after)
	oldOf, newOf := map[string]string{}, map[string]string{}
	for _, p := range pairs {
		oldOf[p.after.ID], newOf[p.before.ID] = p.before.ID, p.after.ID
	}
	g := &grouping{index: map[changeKey]int{}}
	for _, sheet := range after.Sheets() {
		target := sheet.Target.ID
		old := was[cmp.Or(oldOf[target], target)]
		for _, row := range sheet.Rows {
			before, had := old[row.Control.ID]
			switch {
			case !had:
				g.add(Appeared, nil, &row, target)
			case before.Mark() == row.Mark():
				c.Same++
			default:
				g.add(kindOf(before, row), &before, &row, target)
			}
		}
	}
	for _, sheet := range before.Sheets() {
		target := cmp.Or(newOf[sheet.Target.ID], sheet.Target.ID)
		for _, row := range sheet.Rows {
			if _, has := is[target][row.Control.ID]; !has {
				g.add(Vanished, &row, nil, target)
			}
		}
	}
	c.Changes = append(c.Changes, g.ordered(before, after)...)
}

func rowsOf(r *reports.Report) map[string]map[string]reports.Row {
	all := map[string]map[string]reports.Row{}
	for _, sheet := range r.Sheets() {
		rows := map[string]reports.Row{}
		for _, row := range sheet.Rows {
			rows[row.Control.ID] = row
		}
		all[sheet.Target.ID] = rows
	}
	return all
}

// standing is what a verdict is worth: nothing holds, nothing is known, it holds
// thinly, there is nothing to hold, it was shown to hold.
func standing(row reports.Row) int {
	switch {
	case row.Finding:
		return 2
	case row.Verdict.Result == judge.Pass:
		return 4
	case row.Verdict.Result == judge.NotApplicable:
		return 3
	case row.Verdict.Result == judge.Fail:
		return 0
	default:
		return 1
	}
}

// kindOf tells better from worse. What was not shown before can only get better by
// being shown: a fail that turned into an error may be there still. A pass that
// turned into not-applicable is worse, because what was proven no longer is.
func kindOf(before, after reports.Row) Kind {
	was, is := standing(before), standing(after)
	switch {
	case is < was:
		return Regressed
	case is > was && is >= 3:
		return Mended
	default:
		return Changed
	}
}

type changeKey struct {
	kind                   Kind
	control, before, after string
}

// grouping gathers targets with the same change: a broken control on a thousand
// nodes is one change.
type grouping struct {
	index map[changeKey]int
	all   []Change
}

func (g *grouping) add(kind Kind, before, after *reports.Row, target string) {
	change := Change{Kind: kind}
	for _, row := range []*reports.Row{before, after} {
		if row != nil {
			change.Control, change.Title, change.Level = row.Control.ID, row.Control.Title, row.Control.Level
		}
	}
	if before != nil {
		change.Before, change.WasReason = before.Mark(), before.Verdict.Reason
	}
	if after != nil {
		change.After, change.Reason = after.Mark(), after.Verdict.Reason
		if kind == Regressed || after.Verdict.Result == judge.Fail {
			change.OnFail = after.Control.OnFail
		}
	}
	key := changeKey{kind, change.Control, change.Before, change.After}
	i, ok := g.index[key]
	if !ok {
		i = len(g.all)
		g.index[key] = i
		g.all = append(g.all, change)
	}
	g.all[i].Targets = append(g.all[i].Targets, target)
}

// ordered sorts by kind, then by the catalogue, isolation first.
func (g *grouping) ordered(before, after *reports.Report) []Change {
	rank := map[string]int{}
	for _, r := range []*reports.Report{after, before} {
		for _, control := range r.Controls {
			if _, ok := rank[control.ID]; !ok {
				rank[control.ID] = len(rank)
			}
		}
	}
	slices.SortFunc(g.all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)), -cmp.Compare(a.Level, b.Level),
			cmp.Compare(rank[a.Control], rank[b.Control]), cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After))
	})
	return g.all
}
