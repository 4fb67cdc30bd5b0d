package reports

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/judge"
)

// objective is one control with its verdicts on every target.
type objective struct {
	control *Control
	rows    []Row
	// places are those of the rows among all rows of all sheets.
	places []int
	counts map[string]int
}

func objectivesOf(sheets []Sheet) (all []*objective) {
	index := map[string]*objective{}
	place := 0
	for _, sheet := range sheets {
		for _, row := range sheet.Rows {
			of := index[row.Control.ID]
			if of == nil {
				of = &objective{control: row.Control, counts: map[string]int{}}
				index[row.Control.ID] = of
				all = append(all, of)
			}
			of.rows, of.places = append(of.rows, row), append(of.places, place)
			place++
			of.counts[row.Mark()]++
		}
	}
	return all
}

// applies says whether the control came to anything on any target.
func (o *objective) applies() bool { return o.counts[string(judge.NotApplicable)] < len(o.rows) }

func (o *objective) failed() bool {
	return o.counts[string(judge.Fail)]+o.counts[markFinding] > 0
}

// status is satisfied only where a pass was seen and nothing else spoke against it.
func (o *objective) status() oscalState {
	switch {
	case o.failed():
		return oscalState{State: "not-satisfied", Reason: "fail"}
	case o.counts[string(judge.Error)]+o.counts[string(judge.Invalid)] > 0:
		return oscalState{State: "not-satisfied", Reason: "other", Remarks: "It was not proven on every target."}
	default:
		return oscalState{State: "satisfied", Reason: "pass"}
	}
}

// says counts the verdicts in words, worst first.
func (o *objective) says() string {
	var parts []string
	for _, mark := range Marks() {
		if n := o.counts[mark]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s on %s", mark, numbers.Plural(n, "target")))
		}
	}
	return strings.Join(parts, ", ")
}

// observations are the verdicts, one for every control and target. In a large run
// the readings of what passed are left to report.json, as on the page.
func (o *oscal) observations() iter.Seq[any] {
	return func(yield func(any) bool) {
		shown, place := 0, 0
		spans := o.r.spans()
		for _, sheet := range o.sheets {
			of := o.observed(sheet.Target.ID, spans)
			for _, row := range sheet.Rows {
				seen := o.observation(row, of)
				seen.UUID = o.ids[place]
				place++
				if row.Verdict.Result != judge.Pass || shown < mostShown {
					seen.Remarks = sideBySide(row)
					shown++
				}
				if !yield(&seen) {
					return
				}
			}
		}
	}
}

// observedTarget is what the observations of one target have in common.
type observedTarget struct {
	name, title string
	subjects    []oscalSubject
	collected   string
}

func (o *oscal) observed(id string, spans spans) observedTarget {
	name := orUnknown(id)
	return observedTarget{name: name, title: " on " + Prose(name), subjects: []oscalSubject{o.subject(id)}, collected: oscalTime(spans.of(id).ended)}
}

var tested = []string{"TEST"}

func (o *oscal) observation(row Row, of observedTarget) oscalObservation {
	v := row.Verdict
	kind := "control-objective"
	if v.Result == judge.Fail {
		kind = "finding"
	}
	seen := oscalObservation{
		Title: o.said(row.Control.ID) + of.title, Description: o.said(orUnknown(v.Reason)), Methods: tested, Types: []string{kind},
		Props: []oscalProp{{Name: "control", NS: oscalNamespace, Value: row.Control.ID}, {Name: "target", NS: oscalNamespace, Value: of.name},
			{Name: "verdict", NS: oscalNamespace, Value: string(v.Result)}, {Name: "shown-able-to-fail", NS: oscalNamespace, Value: strconv.FormatBool(v.Shown)}},
		Subjects: of.subjects, Collected: of.collected,
	}
	if len(v.Rests) > 0 {
		seen.Evidence = []oscalEvidence{{Href: "evidence.jsonl", Description: o.restsOn(row.Control.ID, v.Rests)}}
	}
	return seen
}

// mostProse bounds how many sentences are kept, for runs on which every target has
// reasons of its own.
const mostProse = 10_000

// said is Prose, worked out once for each text.
func (o *oscal) said(text string) string {
	known, ok := o.prose[text]
	if !ok {
		known = Prose(text)
		if len(o.prose) < mostProse {
			o.prose[text] = known
		}
	}
	return known
}

type restText struct {
	all  []judge.Basis
	text string
}

// restsOn says what a verdict rests on. Most targets of a control say the same.
func (o *oscal) restsOn(control string, all []judge.Basis) string {
	known, ok := o.rests[control]
	if !ok || !slices.Equal(known.all, all) {
		known = restText{all, restsInWords(all)}
		o.rests[control] = known
	}
	return known.text
}

// restsInWords says which records of the evidence hold the observations.
func restsInWords(all []judge.Basis) string {
	parts := make([]string, 0, len(all))
	for _, b := range all[:min(len(all), mostReadings)] {
		parts = append(parts, fmt.Sprintf("%s of %s in round %s", b.Probe, b.Vantage, b.Round))
	}
	if more := len(all) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return Prose(strings.Join(parts, "; "))
}

// sideBySide lists the readings that decided.
func sideBySide(row Row) string {
	all := row.Verdict.Compared
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	truth, control, subject := row.Control.Columns()
	for _, c := range all[:min(len(all), mostReadings)] {
		fmt.Fprintf(&b, "- %s: %s %s", Code(c.Reading), truth, Code(c.Truth))
		if c.Control != "" {
			fmt.Fprintf(&b, ", %s %s", control, Code(c.Control))
		}
		fmt.Fprintf(&b, ", %s %s", subject, Code(c.Subject))
		if said := Note(c); said != "" {
			fmt.Fprintf(&b, " (%s)", said)
		}
		b.WriteByte('\n')
	}
	if more := len(all) - mostReadings; more > 0 {
		fmt.Fprintf(&b, "- %d more readings are in report.json\n", more)
	}
	return b.String()
}

// risks are the controls that failed, with what to do, as a plan of action takes
// them over.
func (o *oscal) risks() iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, objective := range o.objectives {
			if !objective.failed() {
				continue
			}
			c := objective.control
			risk := oscalRisk{UUID: o.r.identity("risk", c.ID), Title: Prose("Failed: " + c.Title), Description: Prose(objective.says()), Statement: Prose(c.Why),
				Props: oscalProps(properties{{Name: "level", Value: string(c.Level)}}), Status: "open"}
			if c.OnFail != "" {
				risk.Remediations = []oscalRemedy{{UUID: o.r.identity("remedy", c.ID), Lifecycle: "recommendation", Title: "What to do", Description: Prose(c.OnFail)}}
			}
			for i, row := range objective.rows {
				if row.Verdict.Result == judge.Fail {
					risk.Observations = append(risk.Observations, oscalPointer{Observation: o.ids[objective.places[i]]})
				}
			}
			if !yield(risk) {
				return
			}
		}
	}
}

// findings are the conclusions, one for every control that came to something.
func (o *oscal) findings() iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, objective := range o.objectives {
			if !objective.applies() {
				continue
			}
			c := objective.control
			finding := oscalFinding{UUID: o.r.identity("finding", c.ID), Title: Prose(c.Title), Description: Prose(c.ID + ": " + objective.says()),
				Props:  oscalProps(properties{{Name: "control", Value: c.ID}, {Name: "level", Value: string(c.Level)}}),
				Target: oscalTarget{Type: "objective-id", TargetID: c.ID, Status: objective.status()}}
			for _, place := range objective.places {
				finding.Observations = append(finding.Observations, oscalPointer{Observation: o.ids[place]})
			}
			if objective.failed() {
				finding.Risks = []oscalPointer{{Risk: o.r.identity("risk", c.ID)}}
			}
			if !yield(&finding) {
				return
			}
		}
	}
}
