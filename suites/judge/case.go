package judge

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
)

// Evidence is everything that is known of one target.
type Evidence struct {
	records map[evidence.Vantage]map[evidence.Round]evidence.Record
}

// Gather sorts the records of one target. Two records of one vantage and round
// contradict each other; the pair is replaced by an error, never by the better
// of the two.
func Gather(records []evidence.Record) Evidence {
	e := Evidence{records: map[evidence.Vantage]map[evidence.Round]evidence.Record{}}
	for _, r := range records {
		rounds := e.records[r.Vantage]
		if rounds == nil {
			rounds = map[evidence.Round]evidence.Record{}
			e.records[r.Vantage] = rounds
		}
		if _, twice := rounds[r.Round]; twice {
			r.Observations, r.Error = nil, fmt.Sprintf("there are two records of round %s", r.Round)
		}
		rounds[r.Round] = r
	}
	return e
}

// View is the evidence of one vantage.
type View struct {
	Vantage evidence.Vantage
	rounds  map[evidence.Round]evidence.Record
}

// View returns the evidence of one vantage; it may be empty.
func (e Evidence) View(v evidence.Vantage) View { return View{Vantage: v, rounds: e.records[v]} }

// Pod returns which pod the vantage's evidence came from, if there is any.
func (v View) Pod() (evidence.Pod, bool) {
	for _, round := range evidence.Rounds() {
		if r, ok := v.rounds[round]; ok {
			return r.Pod, true
		}
	}
	return evidence.Pod{}, false
}

// failure says why the vantage gave no trustworthy evidence in the first round in
// which it did not; it is empty when there is none.
func (v View) failure() string {
	for _, round := range evidence.Rounds() {
		if r, ok := v.rounds[round]; ok && r.Error != "" {
			return r.Error
		}
	}
	return ""
}

// Case is one application of a detection: whose truth, who looked. It notes
// which observations the detection asked for.
type Case struct {
	Evidence Evidence
	Truth    View
	Seen     View
	rests    []Basis
}

// observe finds an observation and notes that the verdict rests on it. The
// error completes "<vantage> ...".
func (c *Case) observe(v View, round evidence.Round, probe string) (evidence.Observation, error) {
	basis := Basis{Vantage: v.Vantage, Round: round, Probe: probe}
	defer func() { c.rests = merge(c.rests, []Basis{basis}) }()
	record, ok := v.rounds[round]
	if !ok {
		return evidence.Observation{}, fmt.Errorf("gave no evidence in round %s", round)
	}
	if record.Error != "" {
		return evidence.Observation{}, fmt.Errorf("gave no trustworthy evidence in round %s: %s", round, record.Error)
	}
	o, ok := record.Observation(probe)
	if !ok {
		return evidence.Observation{}, fmt.Errorf("did not run probe %s in round %s", probe, round)
	}
	basis.State = o.State
	if o.State == evidence.Failed {
		return evidence.Observation{}, fmt.Errorf("could not run probe %s: %s", probe, o.Detail)
	}
	if o.State != evidence.Seen {
		o.Values = nil // who saw nothing has no readings, whatever it sends
	}
	return o, nil
}

// both finds what the truth and the seen vantage observed with one probe in their
// first look, or the sight that ends the detection because one of them has
// nothing to compare.
func (c *Case) both(probe string) (truth, seen evidence.Observation, done *Sight) {
	truth, err := c.observe(c.Truth, evidence.Look, probe)
	if err != nil {
		return truth, seen, &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s %v", c.Truth.Vantage, err)}
	}
	seen, err = c.observe(c.Seen, evidence.Look, probe)
	if err != nil {
		return truth, seen, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	if truth.State != evidence.Seen {
		return truth, seen, &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s itself has nothing to compare with: %s", c.Truth.Vantage, why(truth))}
	}
	return truth, seen, notSeen(seen)
}

// notSeen is the sight of a vantage whose probe read nothing.
func notSeen(o evidence.Observation) *Sight {
	switch o.State {
	case evidence.Absent:
		return &Sight{Outcome: AbsentThere, Reason: "has no such interface: " + why(o)}
	case evidence.Denied:
		return &Sight{Outcome: Undetected, Reason: "was refused: " + why(o), Readings: []Reading{{Name: o.Probe, Seen: "refused, " + why(o)}}}
	default:
		return nil
	}
}

func why(o evidence.Observation) string {
	switch {
	case o.Detail != "":
		return o.Detail
	case o.Errno != "":
		return o.Errno
	default:
		return string(o.State)
	}
}
