// Package judge turns evidence into verdicts. It is pure: no clock, no network,
// no files, so that the verdicts of a run can be derived again by anybody who
// holds its evidence.
//
// One rule serves nearly every control: the control vantage must detect the
// host (otherwise the probe proves nothing here), and the subject must not.
package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// Result is one of the five verdicts, and there are no others.
type Result string

const (
	// Pass means that the control vantage detected and the subject did not.
	Pass Result = "pass"
	// Fail means that the subject detected.
	Fail Result = "fail"
	// Invalid means that the control vantage did not detect either: the probe
	// was not shown able to fail on this node, so it proves nothing.
	Invalid Result = "invalid"
	// NotApplicable means that the interface or feature does not exist.
	NotApplicable Result = "not-applicable"
	// Error means that evidence is missing, cut off, stale, or not of this pod.
	Error Result = "error"
)

// Results lists the verdicts from worst to best.
func Results() []Result { return []Result{Fail, Error, Invalid, NotApplicable, Pass} }

// Verdict is the answer to one control for one target.
type Verdict struct {
	Result Result `json:"result"`
	// Reason says in one sentence why.
	Reason string `json:"reason"`
	// Shown says whether the control was shown able to fail on this target: its
	// control vantage detected, or whatever else shows it did.
	Shown bool `json:"shown,omitempty"`
	// Compared holds the readings that decided, side by side.
	Compared []Comparison `json:"compared,omitempty"`
	// Rests lists the observations that the verdict rests on.
	Rests []Basis `json:"rests_on,omitempty"`
}

// Comparison is one reading as the truth, the control vantage and the subject
// had it.
type Comparison struct {
	Reading string `json:"reading"`
	Truth   string `json:"truth"`
	Control string `json:"control,omitempty"`
	Subject string `json:"subject"`
	// Match says whether the subject's reading counts as the truth's.
	Match bool `json:"match"`
}

// Basis points at one observation in evidence.jsonl.
type Basis struct {
	Vantage evidence.Vantage `json:"vantage"`
	Round   evidence.Round   `json:"round"`
	Probe   string           `json:"probe"`
	State   evidence.State   `json:"state,omitempty"`
}

// Outcome is what a detection says of one vantage.
type Outcome int

const (
	// Unknown means that evidence is missing or cannot be trusted.
	Unknown Outcome = iota
	// Detected means that the vantage saw the truth.
	Detected
	// Undetected means that the vantage looked and did not see the truth.
	Undetected
	// AbsentThere means that the vantage had nothing to look at.
	AbsentThere
	// NoTruth means that the node itself has nothing that could be seen.
	NoTruth
)

// Sight is the result of a detection at one vantage.
type Sight struct {
	Outcome Outcome
	// Reason completes "<vantage> ..." in one clause.
	Reason   string
	Readings []Reading
	// Alternatives marks readings each of which tells by itself: a control vantage is
	// shown to detect by those that match, and by no other.
	Alternatives bool
}

// Reading is one reading compared by a detection.
type Reading struct {
	Name, Truth, Seen string
	Match             bool
}

// Detection is the predicate "the seen vantage saw the truth vantage's kernel,
// files or tokens".
type Detection func(c *Case) Sight

// Rule is what the judge needs to know of a control.
type Rule struct {
	Detects Detection
	// Control is the vantage that must detect.
	Control evidence.Vantage
	// Shows is what the control vantage must detect; Detects when nil. It is set
	// where control and subject are one observer, who is told two different things,
	// and where a node that is set up well has nothing that could be detected.
	Shows Detection
	// Subject is the vantage that must not; evidence.Subject when empty.
	Subject evidence.Vantage
	// Truth is whose reading the subject must not share; evidence.Witness when
	// empty. The control vantage is always compared with the witness.
	Truth evidence.Vantage
	// Expects marks a detection that compares with an expectation and not with
	// the truth vantage's reading, so that reports can say so.
	Expects bool
	// RecordOnly marks what is worth knowing but proves nothing either way.
	RecordOnly bool
}

// Judge applies the general rule to the evidence of one target.
func Judge(rule Rule, from Evidence) Verdict {
	subject, truth := rule.Subject, rule.Truth
	if subject == "" {
		subject = evidence.Subject
	}
	if truth == "" {
		truth = evidence.Witness
	}
	judged := &Case{Evidence: from, Truth: from.View(truth), Seen: from.View(subject)}
	saw := rule.Detects(judged)
	verdict := Verdict{Rests: judged.rests}
	if rule.RecordOnly {
		verdict.Compared = compare(Sight{}, saw)
		verdict.Result, verdict.Reason = NotApplicable, "recorded, not judged: "+saw.Reason
		if saw.Outcome == Unknown {
			verdict.Result, verdict.Reason = Error, fmt.Sprintf("%s %s", subject, saw.Reason)
		}
		return verdict
	}
	control := &Case{Evidence: from, Truth: from.View(evidence.Witness), Seen: from.View(rule.Control)}
	shows := rule.Shows
	if shows == nil {
		shows = rule.Detects
	}
	shown := shows(control)
	verdict.Rests = merge(control.rests, judged.rests)
	verdict.Compared = compare(shown, saw)
	if by := unproven(shown, saw); by != "" && rule.Shows == nil {
		shown.Outcome, shown.Reason = Undetected, "detects by other readings than "+by+", which is all that sets "+string(subject)+" apart"
	}
	verdict.Shown = shown.Outcome == Detected
	verdict.Result, verdict.Reason = decide(rule.Control, subject, shown, saw)
	return verdict
}

// unproven names the readings by which alone a vantage did not detect, if the control
// vantage detected by others.
func unproven(shown, saw Sight) string {
	if !saw.Alternatives || saw.Outcome != Undetected || shown.Outcome != Detected {
		return ""
	}
	var apart []string
	for _, r := range saw.Readings {
		if r.Match {
			continue
		}
		if slices.ContainsFunc(shown.Readings, func(by Reading) bool { return by.Name == r.Name && by.Match }) {
			return ""
		}
		apart = append(apart, r.Name)
	}
	return strings.Join(apart, ", ")
}

func decide(control, subject evidence.Vantage, shown, saw Sight) (Result, string) {
	switch {
	case saw.Outcome == Detected && shown.Outcome == Detected:
		return Fail, fmt.Sprintf("%s %s", subject, saw.Reason)
	case saw.Outcome == Detected:
		// What the subject saw stands on its own, whatever the control vantage did.
		return Fail, fmt.Sprintf("%s %s (the control vantage %s did not: it %s)", subject, saw.Reason, control, shown.Reason)
	case saw.Outcome == Unknown:
		return Error, fmt.Sprintf("%s %s", subject, saw.Reason)
	case shown.Outcome == Unknown:
		return Error, fmt.Sprintf("the control vantage %s %s", control, shown.Reason)
	case saw.Outcome == NoTruth:
		return NotApplicable, saw.Reason
	case shown.Outcome == NoTruth:
		return NotApplicable, shown.Reason
	case shown.Outcome != Detected:
		return Invalid, fmt.Sprintf("the control vantage %s %s, so this probe was not shown able to fail on this node", control, shown.Reason)
	case saw.Outcome == AbsentThere:
		return NotApplicable, fmt.Sprintf("%s %s", subject, saw.Reason)
	default:
		return Pass, fmt.Sprintf("%s %s; %s %s", control, shown.Reason, subject, saw.Reason)
	}
}

func compare(control, subject Sight) []Comparison {
	var rows []Comparison
	index := map[string]int{}
	for _, r := range subject.Readings {
		index[r.Name] = len(rows)
		rows = append(rows, Comparison{Reading: r.Name, Truth: r.Truth, Subject: r.Seen, Match: r.Match})
	}
	for _, r := range control.Readings {
		if i, ok := index[r.Name]; ok {
			rows[i].Control = r.Seen
			continue
		}
		rows = append(rows, Comparison{Reading: r.Name, Truth: r.Truth, Control: r.Seen})
	}
	return rows
}

func merge(a, b []Basis) []Basis {
	out := append([]Basis{}, a...)
	for _, basis := range b {
		known := false
		for _, have := range out {
			known = known || have == basis
		}
		if !known {
			out = append(out, basis)
		}
	}
	return out
}
