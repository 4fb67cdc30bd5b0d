package selftest

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// Every recording is judged as it must be, and every control that is shown able to
// fail by a recording is caught failing by one.
func TestRecordings(t *testing.T) {
	judged := judgeRecordings(certification.Catalogue())
	var caught []string
	for _, r := range judged {
		for _, fault := range r.faults() {
			t.Error(fault)
		}
		if r.Trial != "" {
			caught = append(caught, r.Caught...)
		}
	}
	for _, c := range certification.Catalogue() {
		if byRecording(c) && !slices.Contains(caught, c.ID) {
			t.Errorf("%s is shown able to fail by recordings, and no trial of one makes it fail", c.ID)
		}
	}
	if len(judged) != len(recordings.All())+len(recordings.Trials()) {
		t.Errorf("%d judgements", len(judged))
	}
}

// A control that catches nothing, fires without cause or is not there makes the
// self-test blunt.
func TestRecordingsJudgedWrongly(t *testing.T) {
	recording := recordings.All()[0]
	records, err := recording.Records()
	if err != nil {
		t.Fatal(err)
	}
	says := func(result judge.Result) []catalogue.Control {
		var all []catalogue.Control
		for _, id := range recording.Judged {
			all = append(all, catalogue.Control{ID: id, Verdict: func(judge.Evidence) judge.Verdict { return judge.Verdict{Result: result, Reason: "r"} }})
		}
		return all
	}
	for name, test := range map[string]struct {
		controls []catalogue.Control
		must     []string
		want     string
	}{
		"nothing fires":        {says(judge.Pass), recording.Judged[:1], "is missed by " + recording.Judged[0]},
		"an error is no catch": {says(judge.Error), recording.Judged[:1], "is missed by " + recording.Judged[0]},
		"everything fires":     {says(judge.Fail), recording.Judged[:1], "fired without cause"},
		"no such control":      {nil, recording.Judged[:1], "is missed by"},
		"not among the judged": {says(judge.Pass), []string{"other"}, "is missed by other"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Recorded{Recording: recording.Name}
			r.judge(test.controls, recording, judge.Gather(records), nil, test.must, nil)
			result := &Result{Recorded: []Recorded{r}}
			outcome, causes := result.Outcome()
			if outcome != Blunt || !strings.Contains(strings.Join(causes, "\n"), test.want) {
				t.Errorf("%s: %q, want %q", outcome, causes, test.want)
			}
		})
	}
}
