package judge_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

const half = "00000000ffffffff"

// signs is a scene with what the witness left in the page cache and what the
// reference and the subject found there.
func signs(warmed, recovered, reference, subject string) *scene.Scene {
	s := scene.New().Saw(evidence.Witness, evidence.Act, "page-cache", evidence.Values{
		"warmed": evidence.Text(warmed), "recovered": evidence.Text(recovered), "left_in_memory": evidence.Number(0)})
	for v, found := range map[evidence.Vantage]string{evidence.Reference: reference, evidence.Subject: subject} {
		s.Saw(v, evidence.LookAgain, "page-cache", evidence.Values{"node": evidence.Text(found)})
	}
	return s
}

func TestSharesPageCache(t *testing.T) {
	const none, all = "0000000000000000", "ffffffffffffffff"
	rule := judge.Rule{Detects: judge.SharesPageCache(), Control: evidence.Reference}
	for _, test := range []struct {
		name                                  string
		warmed, recovered, reference, subject string
		want                                  judge.Result
		reason                                string
	}{
		{"one cache", half, half, half, half, judge.Fail, "0 of 64 differ"},
		{"four pages went astray", half, half, half, "00000000fffffff0", judge.Fail, "4 of 64 differ"},
		{"five are too many", half, half, half, "00000000ffffffe0", judge.Pass, "5 of 64 differ"},
		{"nothing of it there", half, half, half, none, judge.Pass, "has none of the pages"},
		{"a kernel that does not say", half, half, half, all, judge.NotApplicable, "every page is in memory"},
		{"the node's cache keeps everything", half, all, all, all, judge.NotApplicable, "cannot carry a sign: 32 of 64"},
		{"the witness recovers almost all", half, "00000000fffffffe", half, none, judge.NotApplicable, "1 of 64"},
		{"the reference has a copy of the file", half, half, none, none, judge.Invalid, "reference has none of the pages"},
		{"the reference is told nothing", half, half, all, none, judge.Invalid, "every page is in memory"},
		{"the subject found another half", half, half, half, "ffffffff00000000", judge.Pass, "64 of 64 differ"},
		{"no sign", half, half, half, "pages", judge.Error, "not all told"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := judge.Judge(rule, signs(test.warmed, test.recovered, test.reference, test.subject).Evidence())
			if v.Result != test.want || !strings.Contains(v.Reason, test.reason) {
				t.Errorf("%s (%s), want %s with %q", v.Result, v.Reason, test.want, test.reason)
			}
		})
	}
}

func TestSharesPageCacheWithoutTruth(t *testing.T) {
	rule := judge.Rule{Detects: judge.SharesPageCache(), Control: evidence.Reference}
	s := signs(half, half, half, half).Got(evidence.Witness, evidence.Act, "page-cache", evidence.Absent, "no file /pages")
	if v := judge.Judge(rule, s.Evidence()); v.Result != judge.NotApplicable || !strings.Contains(v.Reason, "no file /pages") {
		t.Errorf("%s (%s)", v.Result, v.Reason)
	}
	s.Forget(evidence.Witness, evidence.Act, "page-cache")
	if v := judge.Judge(rule, s.Evidence()); v.Result != judge.Error {
		t.Errorf("%s (%s)", v.Result, v.Reason)
	}
}

// One way is enough: whichever tenant recovers the other's sign.
func TestTenantsSharePageCache(t *testing.T) {
	control := evidence.Weakened("host-pid")
	rule := judge.Rule{Detects: judge.TenantsSharePageCache(), Control: control}
	const none, all = "0000000000000000", "ffffffffffffffff"
	for _, test := range []struct {
		name                        string
		subjectFinds, neighbourSees string
		want                        judge.Result
		reason                      string
	}{
		{"neither", none, none, judge.Pass, "subject has none of the pages"},
		{"the subject the neighbour's", half, none, judge.Fail, "which pages neighbour read"},
		{"the neighbour the subject's", none, half, judge.Fail, "which pages subject read"},
		{"the neighbour's kernel does not say", none, all, judge.NotApplicable, "is seen by neighbour, which is told"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := signs(half, half, none, none)
			for _, v := range []evidence.Vantage{evidence.Reference, evidence.Subject, evidence.Neighbour} {
				s.Saw(v, evidence.Act, "page-cache", evidence.Values{"warmed": evidence.Text(half), "recovered": evidence.Text(half)})
			}
			s.Saw(control, evidence.LookAgain, "page-cache", evidence.Values{"reference": evidence.Text(half)})
			s.Saw(evidence.Subject, evidence.LookAgain, "page-cache", evidence.Values{"tenant-a": evidence.Text(half), "tenant-b": evidence.Text(test.subjectFinds)})
			s.Saw(evidence.Neighbour, evidence.LookAgain, "page-cache", evidence.Values{"tenant-b": evidence.Text(half), "tenant-a": evidence.Text(test.neighbourSees)})
			v := judge.Judge(rule, s.Evidence())
			if v.Result != test.want || !strings.Contains(v.Reason, test.reason) {
				t.Errorf("%s (%s), want %s with %q", v.Result, v.Reason, test.want, test.reason)
			}
			s.Saw(control, evidence.LookAgain, "page-cache", evidence.Values{"reference": evidence.Text(none)})
			if v := judge.Judge(rule, s.Evidence()); v.Result == judge.Pass {
				t.Errorf("%s (%s) with a blind control vantage", v.Result, v.Reason)
			}
		})
	}
}
