package bundle

import (
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// ResultSchema names the format of a Result in JSON.
const ResultSchema = "katacert.dev/verification/v1"

// The checks of an archive, in the order in which they are reported.
const (
	checkArchive      = "archive"
	checkFiles        = "files"
	checkSignature    = "signature"
	checkAttestation  = "attestation"
	checkSchema       = "schema"
	checkCompleteness = "completeness"
	checkNodes        = "nodes"
	checkVerdicts     = "verdicts"
)

func checks() []string {
	return []string{checkArchive, checkFiles, checkSignature, checkAttestation, checkSchema, checkCompleteness, checkNodes, checkVerdicts}
}

// State says what became of a check.
type State string

// The states of a check.
const (
	Sound  State = "ok"
	Failed State = "failed"
	// NotChecked means that nothing speaks against it, and nothing for it.
	NotChecked State = "not checked"
)

// Check is one check of an archive.
type Check struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Text says what was checked, or why not.
	Text string `json:"text,omitempty"`
	// Faults are what was found, the first of many; Found is how many there are.
	Faults []string `json:"faults,omitempty"`
	Found  int      `json:"found,omitempty"`
}

// mostFaults is how many faults of a check are kept.
const mostFaults = 20

// longestFault is the length of a fault's text, in characters: it quotes the archive.
const longestFault = 1500

// Result is what is to be said of an archive.
type Result struct {
	Schema string `json:"schema"`
	Bundle string `json:"bundle"`
	// Run, Headline, Outcome and the rest that the archive says of itself are empty
	// where it could not be read so far.
	Run      string          `json:"run,omitempty"`
	Outcome  reports.Outcome `json:"outcome,omitempty"`
	Headline string          `json:"headline,omitempty"`
	Finished time.Time       `json:"finished,omitzero"`
	Tool     *Tool           `json:"tool,omitempty"`
	Signing  *Signing        `json:"signing,omitempty"`
	Checks   []*Check        `json:"checks"`
	// Notes are what a reader must know before believing the rest.
	Notes []string `json:"notes,omitempty"`
}

// Verdict is what the checks come to.
type Verdict string

// What checks come to.
const (
	// Verified means that every check was made, and that nothing was found.
	Verified Verdict = "verified"
	// Refuted means that something is wrong.
	Refuted Verdict = "verification-failed"
	// Unproven means that nothing is wrong as far as was checked, and that something
	// was not.
	Unproven Verdict = "not-verified"
)

// Verdict derives from the checks what they come to.
func (r *Result) Verdict() Verdict {
	verdict := Verified
	for _, c := range r.Checks {
		switch c.State {
		case Failed:
			return Refuted
		case NotChecked:
			verdict = Unproven
		}
	}
	return verdict
}

func newResult(path string) *Result {
	r := &Result{Schema: ResultSchema, Bundle: path}
	for _, name := range checks() {
		r.Checks = append(r.Checks, &Check{Name: name, State: NotChecked})
	}
	return r
}

func (r *Result) check(name string) *Check {
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// fault notes what is wrong.
func (r *Result) fault(check, text string) {
	c := r.check(check)
	c.State = Failed
	if c.Found++; c.Found <= mostFaults {
		c.Faults = append(c.Faults, judge.Printable(text, longestFault))
	}
}

// sound notes that a check found nothing, if it did not.
func (r *Result) sound(check, text string) {
	if c := r.check(check); c.State == NotChecked {
		c.State, c.Text = Sound, text
	}
}

// skipped says why a check was not made.
func (r *Result) skipped(check, text string) {
	if c := r.check(check); c.State == NotChecked && c.Text == "" {
		c.Text = text
	}
}

func (r *Result) note(text string) {
	if text != "" {
		r.Notes = append(r.Notes, judge.Printable(text, longestFault))
	}
}
