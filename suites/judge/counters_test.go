package judge_test

import (
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// course is a counter's course as the witness and the subject read it, in the
// order of time: the witness's look, the subject's, before and after the act,
// the subject's second look, and settling.
type course struct{ look, one, before, after, two, settle int64 }

func (c course) scene() *scene.Scene {
	n := evidence.Number
	return scene.New().
		Saw(evidence.Witness, evidence.Look, "counters", values{"forks": n(c.look)}).
		Saw(evidence.Subject, evidence.Look, "counters", values{"forks": n(c.one)}).
		Saw(evidence.Witness, evidence.Act, "counters", values{"forks_before": n(c.before), "forks": n(c.after)}).
		Saw(evidence.Subject, evidence.LookAgain, "counters", values{"forks": n(c.two)}).
		Saw(evidence.Witness, evidence.Settle, "counters", values{"forks": n(c.settle)})
}

func TestMovesAlong(t *testing.T) {
	for _, test := range []struct {
		name string
		course
		want judge.Outcome
	}{
		{"the node's own", course{100, 105, 110, 510, 515, 520}, judge.Detected},
		{"at the bounds", course{100, 100, 100, 500, 500, 500}, judge.Detected},
		{"another kernel", course{100, 7, 110, 510, 9, 520}, judge.Undetected},
		{"equal by chance in the first look only", course{100, 105, 110, 510, 106, 520}, judge.Undetected},
		{"equal by chance in the second look only", course{100, 90, 110, 510, 515, 520}, judge.Undetected},
		{"moves by as much from elsewhere", course{100, 1105, 110, 510, 1515, 520}, judge.Undetected},
		{"one below the first bracket", course{100, 99, 110, 510, 515, 520}, judge.Undetected},
		{"one above the second bracket", course{100, 105, 110, 510, 521, 520}, judge.Undetected},
		{"does not move on the node", course{100, 100, 100, 100, 100, 100}, judge.AbsentThere},
		{"does not move at all in the guest", course{100, 0, 110, 510, 0, 520}, judge.Undetected},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectSight(t, sight(test.scene(), judge.MovesAlong("counters", "forks")), test.want)
		})
	}
}

func TestMovesAlongWithoutAllOfIt(t *testing.T) {
	detects := judge.MovesAlong("counters", "forks")
	whole := func() *scene.Scene { return course{100, 105, 110, 510, 515, 520}.scene() }
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
	}{
		{"no first look of the witness", whole().Drop(evidence.Witness, evidence.Look), judge.Unknown},
		{"no act", whole().Break(evidence.Witness, evidence.Act, "cut off"), judge.Unknown},
		{"no settling", whole().Drop(evidence.Witness, evidence.Settle), judge.Unknown},
		{"no first look of the subject", whole().Drop(evidence.Subject, evidence.Look), judge.Unknown},
		{"no second look of the subject", whole().Break(evidence.Subject, evidence.LookAgain, "cut off"), judge.Unknown},
		{"the subject has no such interface", whole().Got(evidence.Subject, evidence.Look, "counters", evidence.Absent, ""), judge.AbsentThere},
		{"the subject is refused", whole().Got(evidence.Subject, evidence.Look, "counters", evidence.Denied, ""), judge.Undetected},
		{"the subject has no such counter", whole().Unset(evidence.Subject, evidence.LookAgain, "counters", "forks"), judge.AbsentThere},
		{"the node has no such interface", whole().Got(evidence.Witness, evidence.Act, "counters", evidence.Absent, ""), judge.NoTruth},
		{"the witness did not say where it began", whole().Unset(evidence.Witness, evidence.Act, "counters", "forks_before"), judge.AbsentThere},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene, detects), test.want) })
	}
}

func TestMovesAlongTakesAnyCounter(t *testing.T) {
	s := course{100, 7, 110, 510, 9, 520}.scene()
	for _, at := range []struct {
		v     evidence.Vantage
		round evidence.Round
		n     int64
	}{{evidence.Witness, evidence.Look, 1000}, {evidence.Witness, evidence.Act, 1032}, {evidence.Witness, evidence.Settle, 1032},
		{evidence.Subject, evidence.Look, 1000}, {evidence.Subject, evidence.LookAgain, 1032}} {
		s.Set(at.v, at.round, "counters", "uevents", evidence.Number(at.n))
	}
	s.Set(evidence.Witness, evidence.Act, "counters", "uevents_before", evidence.Number(1000))
	got := sight(s, judge.MovesAlong("counters", "forks", "uevents", "not there"))
	expectSight(t, got, judge.Detected)
	if len(got.Readings) != 2 || got.Readings[0].Match || !got.Readings[1].Match {
		t.Errorf("readings %+v: forks does not match, uevents does", got.Readings)
	}
}

func TestCountsAlong(t *testing.T) {
	count := func(total, created, one, two int64) *scene.Scene {
		n := evidence.Number
		return scene.New().
			Saw(evidence.Witness, evidence.Act, "cgroups", values{"hierarchy": evidence.Text("memory"), "created": n(created), "num_memory": n(total)}).
			Saw(evidence.Subject, evidence.Look, "cgroups", values{"num_memory": n(one)}).
			Saw(evidence.Subject, evidence.LookAgain, "cgroups", values{"num_memory": n(two)})
	}
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
	}{
		{"the node's own", count(137, 37, 100, 137), judge.Detected},
		{"while other pods come and go", count(137, 37, 103, 130), judge.Detected},
		{"a guest's own", count(137, 37, 9, 9), judge.Undetected},
		{"a jump elsewhere", count(137, 37, 9, 46), judge.Undetected},
		{"the same number without the jump", count(137, 37, 137, 137), judge.Undetected},
		{"none could be made", count(137, 0, 100, 100), judge.NoTruth},
		{"the witness could not write", count(137, 37, 1, 1).Got(evidence.Witness, evidence.Act, "cgroups", evidence.Denied, "EROFS"), judge.NoTruth},
		{"another hierarchy in the guest", count(137, 37, 1, 1).Unset(evidence.Subject, evidence.Look, "cgroups", "num_memory"), judge.AbsentThere},
		{"no such file in the guest", count(137, 37, 1, 1).Got(evidence.Subject, evidence.Look, "cgroups", evidence.Absent, ""), judge.AbsentThere},
		{"no act", count(137, 37, 9, 9).Drop(evidence.Witness, evidence.Act), judge.Unknown},
		{"no second look", count(137, 37, 9, 9).Drop(evidence.Subject, evidence.LookAgain), judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene, judge.CountsAlong("cgroups")), test.want) })
	}
}

func TestSharesInterrupts(t *testing.T) {
	tenant := scene.Guest()
	for _, test := range []struct {
		name  string
		scene func() *scene.Scene
		want  judge.Outcome
	}{
		{"totals follow the node's", func() *scene.Scene { return scene.Whole(scene.ShimRunc, scene.Node()) }, judge.Detected},
		{"totals of its own", func() *scene.Scene { return scene.Whole(scene.ShimKata, tenant) }, judge.Undetected},
		{"no totals, whatever the modules", func() *scene.Scene { return withoutTotals(scene.Whole(scene.ShimKata, tenant)) }, judge.AbsentThere},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene(), judge.SharesInterrupts()), test.want) })
	}
}

func withoutTotals(s *scene.Scene) *scene.Scene {
	for _, round := range []evidence.Round{evidence.Look, evidence.LookAgain} {
		for _, total := range []string{"total", "intr_total", "softirq_total"} {
			s.Unset(evidence.Subject, round, "interrupts", total)
		}
	}
	return s
}
