package judge_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// sight applies a detection to the subject.
func sight(s *scene.Scene, detects judge.Detection) judge.Sight {
	from := s.Evidence()
	return detects(&judge.Case{Evidence: from, Truth: from.View(evidence.Witness), Seen: from.View(evidence.Subject)})
}

var outcomes = map[judge.Outcome]string{judge.Unknown: "unknown", judge.Detected: "detected", judge.Undetected: "undetected",
	judge.AbsentThere: "absent there", judge.NoTruth: "no truth"}

func expectSight(t *testing.T, got judge.Sight, want judge.Outcome) {
	t.Helper()
	if got.Outcome != want {
		t.Errorf("%s (%s), want %s", outcomes[got.Outcome], got.Reason, outcomes[want])
	}
	if got.Reason == "" {
		t.Error("no reason")
	}
}

// first puts one probe's readings of witness and subject into the first look.
func first(probe string, truth, seen evidence.Values) *scene.Scene {
	return scene.New().Saw(evidence.Witness, evidence.Look, probe, truth).Saw(evidence.Subject, evidence.Look, probe, seen)
}

type values = evidence.Values

func TestSameText(t *testing.T) {
	node := values{"release": evidence.Text("6.1"), "version": evidence.Text("#1"), "empty": evidence.Text("")}
	for _, test := range []struct {
		name     string
		readings []string
		seen     values
		want     judge.Outcome
	}{
		{"all equal", []string{"release", "version"}, node, judge.Detected},
		{"one differs", []string{"release", "version"}, values{"release": evidence.Text("6.1"), "version": evidence.Text("#2")}, judge.Undetected},
		{"leaving one out does not excuse", []string{"release", "version"}, values{"release": evidence.Text("6.1")}, judge.Detected},
		{"read and empty", []string{"release"}, values{"release": evidence.Text("")}, judge.Undetected},
		{"none there", []string{"release", "version"}, values{}, judge.AbsentThere},
		{"of another kind", []string{"release"}, values{"release": evidence.Number(6)}, judge.AbsentThere},
		{"empty on the node too", []string{"empty"}, node, judge.NoTruth},
		{"unknown to the node", []string{"other"}, values{"other": evidence.Text("x")}, judge.NoTruth},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectSight(t, sight(first("p", node, test.seen), judge.SameText("p", test.readings...)), test.want)
		})
	}
}

func TestAnySameText(t *testing.T) {
	node := values{"uuid": evidence.Text("u"), "serial": evidence.Text("s"), "empty": evidence.Text("")}
	for _, test := range []struct {
		name string
		seen values
		want judge.Outcome
	}{
		{"one equal is enough", values{"uuid": evidence.Text("u"), "serial": evidence.Text("other")}, judge.Detected},
		{"one equal, the other not there", values{"serial": evidence.Text("s")}, judge.Detected},
		{"all differ", values{"uuid": evidence.Text("x"), "serial": evidence.Text("y")}, judge.Undetected},
		{"both empty is not equal", values{"uuid": evidence.Text("x"), "empty": evidence.Text("")}, judge.Undetected},
		{"none there", values{"name": evidence.Text("Machine")}, judge.AbsentThere},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectSight(t, sight(first("p", node, test.seen), judge.AnySameText("p", "uuid", "serial", "empty")), test.want)
		})
	}
	expectSight(t, sight(first("p", values{}, values{"uuid": evidence.Text("u")}), judge.AnySameText("p", "uuid")), judge.NoTruth)
}

func TestNearInTime(t *testing.T) {
	const node = int64(1_700_000_000e9)
	tolerance := 100 * time.Millisecond
	for _, test := range []struct {
		name string
		seen values
		want judge.Outcome
	}{
		{"equal", values{"ns": evidence.Number(node)}, judge.Detected},
		{"slewed", values{"ns": evidence.Number(node - 1e6)}, judge.Detected},
		{"at the tolerance", values{"ns": evidence.Number(node + 100e6)}, judge.Detected},
		{"just beyond", values{"ns": evidence.Number(node + 100e6 + 1)}, judge.Undetected},
		{"before the node", values{"ns": evidence.Number(node - 101e6)}, judge.Undetected},
		{"a difference that overflows", values{"ns": evidence.Number(math.MinInt64)}, judge.Undetected},
		{"the largest number", values{"ns": evidence.Number(math.MaxInt64)}, judge.Undetected},
		{"no reading", values{}, judge.Unknown},
		{"a text", values{"ns": evidence.Text("0")}, judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectSight(t, sight(first("p", values{"ns": evidence.Number(node)}, test.seen), judge.NearInTime("p", "ns", tolerance)), test.want)
		})
	}
}

func TestListsInCommon(t *testing.T) {
	for _, test := range []struct {
		name            string
		truth, seen     values
		shares, sameSet judge.Outcome
	}{
		{"equal", values{"l": evidence.List("a", "b")}, values{"l": evidence.List("b", "a")}, judge.Detected, judge.Detected},
		{"one in common", values{"l": evidence.List("a", "b")}, values{"l": evidence.List("b", "c")}, judge.Detected, judge.Undetected},
		{"all of the node's and more", values{"l": evidence.List("a")}, values{"l": evidence.List("a", "c")}, judge.Detected, judge.Undetected},
		{"none in common", values{"l": evidence.List("a")}, values{"l": evidence.List("c")}, judge.Undetected, judge.Undetected},
		{"an empty list was looked at", values{"l": evidence.List("a")}, values{"l": evidence.List()}, judge.Undetected, judge.Undetected},
		{"no list is no look", values{"l": evidence.List("a")}, values{}, judge.AbsentThere, judge.AbsentThere},
		{"nothing on the node", values{"l": evidence.List()}, values{"l": evidence.List()}, judge.NoTruth, judge.NoTruth},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectSight(t, sight(first("p", test.truth, test.seen), judge.SharesAny("p", "l")), test.shares)
			expectSight(t, sight(first("p", test.truth, test.seen), judge.SameSet("p", "l")), test.sameSet)
		})
	}
}

func TestLongListsAreShownShort(t *testing.T) {
	var items []string
	for i := range 100 {
		items = append(items, "item-"+strconv.Itoa(100+i))
	}
	got := sight(first("p", values{"l": evidence.List(items...)}, values{"l": evidence.List(items...)}), judge.SharesAny("p", "l"))
	if len(got.Readings) != 1 || len(got.Readings[0].Truth) > 200 || len(got.Readings[0].Seen) > 200 {
		t.Errorf("a list of 100 is shown as %+v", got.Readings)
	}
}

func TestSameCommandLine(t *testing.T) {
	const long = "BOOT_IMAGE=/boot/vmlinuz-6.12 ro quiet splash loglevel=3"
	line := func(line string, words ...string) values {
		return values{"cmdline": evidence.Text(line), "words": evidence.List(words...)}
	}
	for _, test := range []struct {
		name        string
		truth, seen values
		want        judge.Outcome
	}{
		{"the whole line", line(long), line(long), judge.Detected},
		{"an identifier from it", line(long, "uuid-1"), line("quiet", "uuid-1"), judge.Detected},
		{"another line", line(long, "uuid-1"), line("quiet", "uuid-2"), judge.Undetected},
		{"short and common on the node", line("quiet"), line("quiet"), judge.NoTruth},
		{"short with an identifier", line("root=UUID=1", "1"), line("root=UUID=2", "2"), judge.Undetected},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectSight(t, sight(first("cmdline", test.truth, test.seen), judge.SameCommandLine()), test.want)
		})
	}
	missing := scene.New().Saw(evidence.Witness, evidence.Look, "cmdline", line(long))
	expectSight(t, sight(missing, judge.SameCommandLine()), judge.Unknown)
	none := missing.Got(evidence.Subject, evidence.Look, "cmdline", evidence.Absent, "no such file")
	expectSight(t, sight(none, judge.SameCommandLine()), judge.AbsentThere)
}

func TestSharesLoad(t *testing.T) {
	node := values{"mem_total_kib": evidence.Number(1 << 26), "loadavg": evidence.Text("1.00 0.50 0.25")}
	load := func(memory int64, load string) values {
		return values{"mem_total_kib": evidence.Number(memory), "loadavg": evidence.Text(load)}
	}
	for _, test := range []struct {
		name        string
		truth, seen values
		want        judge.Outcome
	}{
		{"both", node, node, judge.Detected},
		{"memory alone", node, load(1<<26, "0.10 0.10 0.10"), judge.Detected},
		{"load alone", node, load(1<<20, "1.00 0.50 0.25"), judge.Detected},
		{"neither", node, load(1<<20, "0.10 0.10 0.10"), judge.Undetected},
		{"two idle kernels", load(1<<26, "0.00 0.00 0.00"), load(1<<20, "0.00 0.00 0.00"), judge.Undetected},
		{"memory only, and another", node, values{"mem_total_kib": evidence.Number(1 << 20)}, judge.Undetected},
		{"shows nothing", node, values{"cpus": evidence.Number(2)}, judge.AbsentThere},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := first("load", test.truth, test.seen).
				Saw(evidence.Witness, evidence.LookAgain, "load", test.truth).Saw(evidence.Subject, evidence.LookAgain, "load", test.seen)
			expectSight(t, sight(s, judge.SharesLoad()), test.want)
		})
	}
	t.Run("in the second look", func(t *testing.T) {
		s := first("load", node, load(1, "9.00 9.00 9.00")).
			Saw(evidence.Witness, evidence.LookAgain, "load", node).Saw(evidence.Subject, evidence.LookAgain, "load", load(1, "1.00 0.50 0.25"))
		expectSight(t, sight(s, judge.SharesLoad()), judge.Detected)
	})
	t.Run("lost in the second look", func(t *testing.T) {
		s := first("load", node, load(1, "9.00 9.00 9.00")).Saw(evidence.Witness, evidence.LookAgain, "load", node)
		expectSight(t, sight(s, judge.SharesLoad()), judge.Unknown)
	})
	t.Run("not readable on the node", func(t *testing.T) {
		s := scene.New().Got(evidence.Witness, evidence.Look, "load", evidence.Absent, "").Saw(evidence.Subject, evidence.Look, "load", node)
		expectSight(t, sight(s, judge.SharesLoad()), judge.NoTruth)
	})
}

func TestRecorded(t *testing.T) {
	got := sight(first("cpuid", values{"vendor": evidence.Text("KVM")}, values{"vendor": evidence.Text("TCG")}), judge.Recorded("cpuid", "vendor"))
	expectSight(t, got, judge.Undetected)
	if len(got.Readings) != 1 || got.Readings[0] != (judge.Reading{Name: "vendor", Truth: "KVM", Seen: "TCG"}) {
		t.Errorf("recorded %+v", got.Readings)
	}
	expectSight(t, sight(scene.New(), judge.Recorded("cpuid", "vendor")), judge.Unknown)
}
