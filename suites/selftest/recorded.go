package selftest

import (
	"fmt"
	"slices"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Recorded is a judgement of evidence that was recorded on another node: as it was,
// or broken on purpose in one way. It shows what the judge makes of it and nothing
// about the probes or this machine, and no more than that is said of it.
type Recorded struct {
	// Trial is empty for a recording as it was.
	Trial     string `json:"trial,omitempty"`
	Recording string `json:"recording"`
	What      string `json:"what"`
	Broken    string `json:"broken,omitempty"`
	// Failure says why it could not be judged.
	Failure  string             `json:"failure,omitempty"`
	Verdicts map[string]Verdict `json:"verdicts"`
	// Caught are the controls that failed as they must, Missed those that did not,
	// Alarms those that fired without cause or could not be judged.
	Caught []string `json:"caught,omitempty"`
	Missed []string `json:"missed,omitempty"`
	Alarms []string `json:"alarms,omitempty"`
}

// Name is what the trial is called in lists.
func (r Recorded) Name() string {
	if r.Trial == "" {
		return r.Recording
	}
	return r.Trial
}

// judgeRecordings judges every recording, as it was and in every way broken.
func judgeRecordings(all []catalogue.Control) []Recorded {
	var judged []Recorded
	for _, recording := range recordings.All() {
		records, err := recording.Records()
		r := Recorded{Recording: recording.Name, What: recording.What}
		r.judge(all, recording, judge.Gather(records), err, recording.Findings, nil)
		judged = append(judged, r)
	}
	for _, trial := range recordings.Trials() {
		records, err := trial.Records()
		recording, findErr := recordings.Find(trial.Of)
		if err == nil {
			err = findErr
		}
		r := Recorded{Trial: trial.ID, Recording: trial.Of, What: recording.What, Broken: trial.Broken}
		r.judge(all, recording, judge.Gather(records), err, trial.Caught, slices.Concat(recording.Findings, trial.May))
		judged = append(judged, r)
	}
	return judged
}

// judge sorts the verdicts of the controls that the recording is enough for: those
// in must fail, those in may may, and everything else holds or does not apply.
func (r *Recorded) judge(all []catalogue.Control, recording recordings.Recording, from judge.Evidence, failure error, must, may []string) {
	r.Verdicts = map[string]Verdict{}
	if failure != nil {
		r.Failure = failure.Error()
		return
	}
	for _, id := range recording.Judged {
		c, err := catalogue.Find(all, id)
		if err != nil {
			r.Missed = append(r.Missed, id)
			continue
		}
		v := c.Judge(from)
		r.Verdicts[id] = Verdict{Result: v.Result, Shown: v.Shown, Reason: v.Reason}
		switch {
		case slices.Contains(must, id) && v.Result == judge.Fail:
			r.Caught = append(r.Caught, id)
		case slices.Contains(must, id):
			r.Missed = append(r.Missed, id)
		case alarming(v.Result) && !slices.Contains(may, id):
			r.Alarms = append(r.Alarms, id)
		}
	}
	for _, id := range must {
		if _, known := r.Verdicts[id]; !known && !slices.Contains(r.Missed, id) {
			r.Missed = append(r.Missed, id)
		}
	}
}

// faults says what is wrong with the judgement of a recording.
func (r Recorded) faults() []string {
	var faults []string
	if r.Failure != "" {
		faults = append(faults, fmt.Sprintf("recorded %s could not be judged: %s", r.Name(), r.Failure))
	}
	if len(r.Missed) > 0 {
		faults = append(faults, fmt.Sprintf("recorded %s is missed by %s", r.Name(), list(r.Missed)))
	}
	if len(r.Alarms) > 0 {
		faults = append(faults, fmt.Sprintf("recorded %s: fired without cause: %s", r.Name(), list(r.Alarms)))
	}
	return faults
}

// line is what the judgement came to, in one line.
func (r Recorded) line() string {
	if faults := r.faults(); len(faults) > 0 {
		return fmt.Sprint(faults)
	}
	if r.Trial == "" {
		return fmt.Sprintf("%d controls judged, findings that are expected: %s", len(r.Verdicts), list(r.Caught))
	}
	return "by " + list(r.Caught)
}
