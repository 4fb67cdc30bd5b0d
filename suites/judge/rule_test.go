package judge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// look is one way in which a vantage's evidence of one probe can turn out.
type look struct {
	name string
	give func(s *scene.Scene, v evidence.Vantage)
}

const probe, reading = "boot-id", "boot_id"

func text(value string) func(*scene.Scene, evidence.Vantage) {
	return func(s *scene.Scene, v evidence.Vantage) {
		s.Saw(v, evidence.Look, probe, evidence.Values{reading: evidence.Text(value)})
	}
}

func state(state evidence.State) func(*scene.Scene, evidence.Vantage) {
	return func(s *scene.Scene, v evidence.Vantage) { s.Got(v, evidence.Look, probe, state, "told so") }
}

// The ways, by what they mean for a detection at that vantage.
var (
	same      = look{"the same", text("x")}
	different = look{"different", text("y")}
	denied    = look{"denied", state(evidence.Denied)}
	absent    = look{"absent", state(evidence.Absent)}
	wordless  = look{"seen without the reading", func(s *scene.Scene, v evidence.Vantage) {
		s.Saw(v, evidence.Look, probe, evidence.Values{"other": evidence.Text("x")})
	}}
	failed    = look{"failed", state(evidence.Failed)}
	notRun    = look{"probe not run", func(s *scene.Scene, v evidence.Vantage) { s.Got(v, evidence.Look, "other", evidence.Seen, "") }}
	noRecord  = look{"no record", func(*scene.Scene, evidence.Vantage) {}}
	untrusted = look{"an error record", func(s *scene.Scene, v evidence.Vantage) { text("y")(s, v); s.Break(v, evidence.Look, "cut off") }}
	twice     = look{"two records", func(s *scene.Scene, v evidence.Vantage) { text("y")(s, v); s.Repeat(v, evidence.Look) }}
)

func looks() []look {
	return []look{same, different, denied, absent, wordless, failed, notRun, noRecord, untrusted, twice}
}

func in(l look, of ...look) bool {
	for _, one := range of {
		if l.name == one.name {
			return true
		}
	}
	return false
}

// expected says in the words of the design what the verdict must be, apart from
// how the judge goes about it.
func expected(witness, control, subject look) judge.Result {
	unknown := []look{failed, notRun, noRecord, untrusted, twice}
	nothing := []look{absent, denied, wordless}
	shared := witness.name == subject.name && in(witness, same, different)
	switch {
	case in(witness, unknown...) || in(subject, unknown...) || in(control, unknown...) && !shared:
		return judge.Error
	case in(witness, wordless) && in(control, denied, absent) && in(subject, denied, absent):
		return judge.Invalid // both were turned away before anything was compared
	case in(witness, nothing...):
		return judge.NotApplicable
	case shared:
		return judge.Fail
	case control.name != witness.name:
		return judge.Invalid
	case in(subject, absent, wordless):
		return judge.NotApplicable
	default:
		return judge.Pass
	}
}

// Every way of the witness's, the control's and the subject's evidence with
// every other: 1000 cases.
func TestRuleOverAllWays(t *testing.T) {
	rule := judge.Rule{Detects: judge.SameText(probe, reading), Control: evidence.Reference}
	for _, witness := range looks() {
		for _, control := range looks() {
			for _, subject := range looks() {
				s := scene.New()
				witness.give(s, evidence.Witness)
				control.give(s, evidence.Reference)
				subject.give(s, evidence.Subject)
				got := judge.Judge(rule, s.Evidence())
				name := fmt.Sprintf("witness %s, control %s, subject %s", witness.name, control.name, subject.name)
				if want := expected(witness, control, subject); got.Result != want {
					t.Errorf("%s: %s (%s), want %s", name, got.Result, got.Reason, want)
				}
				if got.Reason == "" {
					t.Errorf("%s: no reason", name)
				}
				proven := in(control, same, different) && control.name == witness.name && in(subject, same, different, denied)
				if got.Result == judge.Pass && !proven {
					t.Errorf("%s: pass without proof", name)
				}
			}
		}
	}
}

func TestRuleSaysWhy(t *testing.T) {
	for _, test := range []struct {
		name                      string
		witness, control, subject look
		result                    judge.Result
		says                      []string
	}{
		{"isolated", same, same, different, judge.Pass, []string{"reference reads the same boot_id as witness", "subject reads another boot_id than witness"}},
		{"refused", same, same, denied, judge.Pass, []string{"subject was refused: told so"}},
		{"shared", same, same, same, judge.Fail, []string{"subject reads the same boot_id as witness"}},
		{"shared, and the control blind", same, absent, same, judge.Fail, []string{"subject reads the same", "the control vantage reference did not", "has no such interface"}},
		{"shared, and the control lost", same, noRecord, same, judge.Fail, []string{"subject reads the same", "gave no evidence in round look"}},
		{"control blind", same, different, different, judge.Invalid, []string{"control vantage reference reads another boot_id", "not shown able to fail"}},
		{"nothing there", same, same, absent, judge.NotApplicable, []string{"subject has no such interface: told so"}},
		{"no such reading", same, same, wordless, judge.NotApplicable, []string{"subject has none of boot_id"}},
		{"nothing on the node", absent, same, same, judge.NotApplicable, []string{"witness itself has nothing to compare with: told so"}},
		{"subject cut off", same, same, untrusted, judge.Error, []string{"subject gave no trustworthy evidence in round look: cut off"}},
		{"control cut off", same, untrusted, different, judge.Error, []string{"the control vantage reference gave no trustworthy evidence", "cut off"}},
		{"witness cut off", untrusted, same, different, judge.Error, []string{"cannot be compared: witness gave no trustworthy evidence", "cut off"}},
		{"two records", same, same, twice, judge.Error, []string{"there are two records of round look"}},
		{"probe failed", same, same, failed, judge.Error, []string{"subject could not run probe boot-id: told so"}},
		{"probe missing", same, same, notRun, judge.Error, []string{"subject did not run probe boot-id in round look"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.New()
			test.witness.give(s, evidence.Witness)
			test.control.give(s, evidence.Reference)
			test.subject.give(s, evidence.Subject)
			expect(t, judge.Judge(judge.Rule{Detects: judge.SameText(probe, reading), Control: evidence.Reference}, s.Evidence()), test.result, test.says...)
		})
	}
}

// expect compares a verdict, and what its reason must say.
func expect(t *testing.T, got judge.Verdict, want judge.Result, says ...string) {
	t.Helper()
	if got.Result != want {
		t.Errorf("verdict %s (%s), want %s", got.Result, got.Reason, want)
	}
	for _, part := range says {
		if !strings.Contains(got.Reason, part) {
			t.Errorf("the reason is %q, it should say %q", got.Reason, part)
		}
	}
}

// A verdict shows host and guest side by side, and names the observations it
// rests on.
func TestVerdictShowsItsGrounds(t *testing.T) {
	s := scene.New()
	same.give(s, evidence.Witness)
	same.give(s, evidence.Reference)
	different.give(s, evidence.Subject)
	got := judge.Judge(judge.Rule{Detects: judge.SameText(probe, reading), Control: evidence.Reference}, s.Evidence())
	if len(got.Compared) != 1 || got.Compared[0] != (judge.Comparison{Reading: reading, Truth: "x", Control: "x", Subject: "y"}) {
		t.Errorf("compared %+v", got.Compared)
	}
	rests := map[judge.Basis]bool{}
	for _, basis := range got.Rests {
		rests[basis] = true
	}
	for _, v := range []evidence.Vantage{evidence.Witness, evidence.Reference, evidence.Subject} {
		if !rests[judge.Basis{Vantage: v, Round: evidence.Look, Probe: probe, State: evidence.Seen}] {
			t.Errorf("the verdict does not rest on vantage %s: %+v", v, got.Rests)
		}
	}
	if len(rests) != 3 || len(got.Rests) != 3 {
		t.Errorf("the verdict rests on %+v", got.Rests)
	}
}

func TestRuleWithOtherTruth(t *testing.T) {
	rule := judge.Rule{Detects: judge.SameText(probe, reading), Control: evidence.Reference, Truth: evidence.Neighbour}
	for _, test := range []struct {
		name               string
		neighbour, subject look
		want               judge.Result
	}{
		{"kernels of their own", look{"z", text("z")}, different, judge.Pass},
		{"one kernel for both", different, different, judge.Fail},
		{"both on the node", same, same, judge.Fail},
		{"no neighbour", noRecord, different, judge.Error},
		{"a neighbour without the reading", absent, different, judge.NotApplicable},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.New()
			same.give(s, evidence.Witness)
			same.give(s, evidence.Reference)
			test.neighbour.give(s, evidence.Neighbour)
			test.subject.give(s, evidence.Subject)
			expect(t, judge.Judge(rule, s.Evidence()), test.want)
		})
	}
}

func TestRecordOnlyNeverPassesOrFails(t *testing.T) {
	rule := judge.Rule{Detects: judge.Recorded(probe, reading), RecordOnly: true}
	for _, witness := range looks() {
		for _, subject := range looks() {
			s := scene.New()
			witness.give(s, evidence.Witness)
			subject.give(s, evidence.Subject)
			want := judge.NotApplicable
			if in(subject, failed, notRun, noRecord, untrusted, twice) {
				want = judge.Error
			}
			if got := judge.Judge(rule, s.Evidence()); got.Result != want {
				t.Errorf("witness %s, subject %s: %s (%s), want %s", witness.name, subject.name, got.Result, got.Reason, want)
			}
		}
	}
}

func TestPodOfAVantage(t *testing.T) {
	s := scene.New().Saw(evidence.Subject, evidence.LookAgain, probe, evidence.Values{})
	if pod, ok := s.Evidence().View(evidence.Subject).Pod(); !ok || pod.UID != scene.UID(evidence.Subject) {
		t.Errorf("subject's pod: %+v, %t", pod, ok)
	}
	if pod, ok := s.Evidence().View(evidence.Neighbour).Pod(); ok {
		t.Errorf("there is no neighbour and its pod is %+v", pod)
	}
}

// A control vantage that detects by one reading shows nothing of another one.
func TestAReadingIsShownByItself(t *testing.T) {
	rule := judge.Rule{Detects: judge.AnySameText("dmi", "uuid", "serial"), Control: evidence.Reference}
	node := values{"uuid": evidence.Text("n"), "serial": evidence.Text("s")}
	for name, test := range map[string]struct {
		control, subject values
		want             judge.Result
	}{
		"both by both":                    {node, values{"uuid": evidence.Text("g"), "serial": evidence.Text("h")}, judge.Pass},
		"one by both":                     {node, values{"serial": evidence.Text("h")}, judge.Pass},
		"both by one":                     {values{"uuid": evidence.Text("n")}, values{"uuid": evidence.Text("g"), "serial": evidence.Text("h")}, judge.Pass},
		"one by the other":                {values{"uuid": evidence.Text("n")}, values{"serial": evidence.Text("h")}, judge.Invalid},
		"one by the other, which differs": {values{"uuid": evidence.Text("n"), "serial": evidence.Text("x")}, values{"serial": evidence.Text("h")}, judge.Invalid},
		"seen, whatever was shown":        {values{"uuid": evidence.Text("n")}, values{"serial": evidence.Text("s")}, judge.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			s := scene.New().Saw(evidence.Witness, evidence.Look, "dmi", node).
				Saw(evidence.Reference, evidence.Look, "dmi", test.control).Saw(evidence.Subject, evidence.Look, "dmi", test.subject)
			if v := judge.Judge(rule, s.Evidence()); v.Result != test.want {
				t.Errorf("%s (%s), want %s", v.Result, v.Reason, test.want)
			}
		})
	}
}
