package history

import (
	"slices"

	"github.com/katacert/katacert/reports"
)

// follow says how one control went, from its courses on all targets.
func (b *builder) follow(id string, targets map[string][]byte, runs []Run) Control {
	c := Control{ID: id, Title: b.controls[id].Title, Level: b.controls[id].Level, Trend: Steady, Marks: make([]string, len(runs))}
	worst := make([]byte, len(runs))
	last := -1
	for target, course := range targets {
		flips, back, at := flipsOf(course)
		c.Flips += flips
		last = max(last, at)
		if back {
			c.FlakyTargets = append(c.FlakyTargets, target)
		}
		for i, mark := range course {
			if mark != absent && (worst[i] == absent || mark < worst[i]) {
				worst[i] = mark
			}
		}
	}
	slices.Sort(c.FlakyTargets)
	for i, mark := range worst {
		if mark != absent {
			c.Marks[i] = reports.Marks()[mark-1]
		}
	}
	if last >= 0 {
		c.Since = runs[last].ID
	}
	switch {
	case len(c.FlakyTargets) > 0:
		c.Trend = Flaky
	case c.Flips > 0:
		c.Trend = direction(targets)
	}
	return c
}

// flipsOf counts the changes of a course, and says whether it went back to a mark
// that it had left, and at which run the last change was (-1 for none). Runs that
// did not have the control are skipped.
func flipsOf(course []byte) (flips int, back bool, last int) {
	last = -1
	var left []byte
	current := byte(absent)
	for i, mark := range course {
		switch {
		case mark == absent || mark == current:
			continue
		case current != absent:
			flips, last = flips+1, i
			back = back || slices.Contains(left, mark)
			left = append(left, current)
		}
		current = mark
	}
	return flips, back, last
}

// direction compares the first and the last mark of the courses that changed; one
// that got worse outweighs all that got better. Marks are numbered from the worst.
func direction(targets map[string][]byte) Trend {
	for _, course := range targets {
		present := slices.DeleteFunc(slices.Clone(course), func(mark byte) bool { return mark == absent })
		if len(present) > 1 && present[len(present)-1] < present[0] {
			return Worse
		}
	}
	return Better
}
