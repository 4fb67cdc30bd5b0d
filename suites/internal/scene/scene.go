// Package scene builds the evidence of one target for the tests of judge and
// catalogue: by hand, record by record, or as a whole session.
package scene

import (
	"maps"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// Scene is the evidence of one target while it is built.
type Scene struct{ records []evidence.Record }

// New returns a scene without any evidence.
func New() *Scene { return &Scene{} }

// Put adds an observation to the record of a vantage and round, in place of the
// probe's earlier one.
func (s *Scene) Put(v evidence.Vantage, round evidence.Round, o evidence.Observation) *Scene {
	r := s.record(v, round)
	r.Observations = slices.DeleteFunc(r.Observations, func(have evidence.Observation) bool { return have.Probe == o.Probe })
	r.Observations = append(r.Observations, o)
	return s
}

// Saw adds readings.
func (s *Scene) Saw(v evidence.Vantage, round evidence.Round, probe string, values evidence.Values) *Scene {
	return s.Put(v, round, evidence.Observation{Probe: probe, State: evidence.Seen, Values: maps.Clone(values)})
}

// Got adds an observation without readings.
func (s *Scene) Got(v evidence.Vantage, round evidence.Round, probe string, state evidence.State, detail string) *Scene {
	return s.Put(v, round, evidence.Observation{Probe: probe, State: state, Detail: detail})
}

// Set changes one reading of a probe that saw something already.
func (s *Scene) Set(v evidence.Vantage, round evidence.Round, probe, reading string, value evidence.Value) *Scene {
	for i, o := range s.record(v, round).Observations {
		if o.Probe == probe {
			s.record(v, round).Observations[i].Values[reading] = value
			return s
		}
	}
	return s.Saw(v, round, probe, evidence.Values{reading: value})
}

// Unset takes one reading away.
func (s *Scene) Unset(v evidence.Vantage, round evidence.Round, probe, reading string) *Scene {
	for _, o := range s.record(v, round).Observations {
		if o.Probe == probe {
			delete(o.Values, reading)
		}
	}
	return s
}

// Forget takes one observation away.
func (s *Scene) Forget(v evidence.Vantage, round evidence.Round, probe string) *Scene {
	r := s.record(v, round)
	r.Observations = slices.DeleteFunc(r.Observations, func(o evidence.Observation) bool { return o.Probe == probe })
	return s
}

// Break replaces the record of a vantage and round by an error.
func (s *Scene) Break(v evidence.Vantage, round evidence.Round, reason string) *Scene {
	r := s.record(v, round)
	r.Observations, r.Error = nil, reason
	return s
}

// Drop takes the record of a vantage and round away.
func (s *Scene) Drop(v evidence.Vantage, round evidence.Round) *Scene {
	s.records = slices.DeleteFunc(s.records, func(r evidence.Record) bool { return r.Vantage == v && r.Round == round })
	return s
}

// Repeat adds a second record of a vantage and round, equal to the first.
func (s *Scene) Repeat(v evidence.Vantage, round evidence.Round) *Scene {
	s.records = append(s.records, *s.record(v, round))
	return s
}

// Records returns what was built.
func (s *Scene) Records() []evidence.Record { return slices.Clone(s.records) }

// Evidence gathers what was built.
func (s *Scene) Evidence() judge.Evidence { return judge.Gather(s.records) }

// UID is the UID of the pod of a vantage.
func UID(v evidence.Vantage) string { return "uid-" + string(v) }

// Nonce is the nonce of a vantage in a round.
func Nonce(v evidence.Vantage, round evidence.Round) string {
	return strings.ReplaceAll(string(v)+"-"+string(round), "/", "-")
}

func (s *Scene) record(v evidence.Vantage, round evidence.Round) *evidence.Record {
	for i := range s.records {
		if s.records[i].Vantage == v && s.records[i].Round == round {
			return &s.records[i]
		}
	}
	s.records = append(s.records, evidence.Record{Schema: evidence.RecordSchema, Vantage: v, Round: round, Nonce: Nonce(v, round),
		Pod: evidence.Pod{Namespace: "ns", Name: string(v), UID: UID(v), Node: "node-1"}})
	return &s.records[len(s.records)-1]
}
