package kata

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// advisory is a published flaw of Kata, and the first version without it.
type advisory struct {
	id, title string
	// flaw says what the flaw lets happen, source where it is told.
	flaw, source string
	// first is the first version that had the flaw, empty where no version is known
	// without it before; last had it as far as is known, and fixed has it no more.
	first, last, fixed string
	// other are further series of versions that had it.
	other []series
	// untold is what of this no advisory that could be read says; the control's text
	// says it too.
	untold string
	// asks names the controls that ask the running sandbox itself.
	asks []string
	// none says why a node cannot have the flaw whatever its version; rare is set where
	// Kata as everybody gets it cannot.
	none func(*node) string
	rare bool
	refs []string
}

// series are versions that had a flaw: from the first of them to the one that has it
// no more. An empty first is that of all versions before.
type series struct{ first, fixed string }

// had says whether a version is one of the series.
func (s series) had(version string) bool {
	return before(version, s.fixed) && (s.first == "" || !before(version, s.first))
}

// before says whether a version comes before another. One that is made ready
// (4.1.0-rc1) comes before it.
func before(version, other string) bool {
	return semver.Compare("v"+strings.TrimPrefix(version, "v"), "v"+other) < 0
}

// affected says whether a version had the flaw.
func (a advisory) affected(version string) bool {
	all := append([]series{{a.first, a.fixed}}, a.other...)
	return slices.ContainsFunc(all, func(s series) bool { return s.had(version) })
}

// control is the catalogue's entry of the advisory.
func (a advisory) control() catalogue.Control {
	asked := "No control asks the running sandbox itself."
	if len(a.asks) > 0 {
		asked = "Controls that ask the node or the sandbox itself: " + strings.Join(a.asks, ", ") + "."
	}
	expected := map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable}
	if a.rare {
		expected[judge.KindVM] = judge.NotApplicable
	}
	since := "Before Kata " + a.fixed
	if a.first != "" {
		since = fmt.Sprintf("From Kata %s on and before %s", a.first, a.fixed)
	}
	return catalogue.Control{
		ID: a.id, Group: catalogue.Kata, Title: a.title,
		Why:    fmt.Sprintf("%s %s.", since, a.flaw),
		Proves: fmt.Sprintf("The file VERSION beside the shim of the handler names a version without the flaw: %s or later (%s).", a.fixed, a.source),
		ProvesNot: strings.Join(slices.DeleteFunc([]string{"That the programs are those of that version, or that a distributor did not take the mend over to an older one.", a.untold, asked},
			func(part string) bool { return part == "" }), " "),
		OnFail: fmt.Sprintf("Install Kata %s or later. %s", a.fixed, asked),
		Level:  catalogue.Hardening, Profile: catalogue.Nightly, Safety: catalogue.Observes,
		Shown:    fmt.Sprintf("by the same comparison version %s must be found affected, and `katacert selftest` judges recorded nodes that are", a.last),
		Also:     []evidence.Vantage{evidence.Subject},
		OptIn:    []string{probeFiles},
		Verdict:  a.verdict,
		Refs:     catalogue.Refs(append([]string{"NIST SI-2", "NIST RA-5"}, a.refs...)...),
		Expected: expected,
	}
}

func (a advisory) verdict(from judge.Evidence) judge.Verdict {
	c := judge.Open(from)
	n, ends := look(c)
	if ends != nil {
		return *ends
	}
	if a.none != nil {
		if reason := a.none(n); reason != "" {
			return c.Ends(judge.NotApplicable, reason)
		}
	}
	version, file, err := n.Version()
	switch {
	case errors.Is(err, katanode.ErrNoVersion) && n.Packaged(n.runtime):
		return c.Ends(judge.NotApplicable, "Kata is of a distribution's package, which tells no version of Kata's on the node, and takes mends over to older ones: ask the distributor's advisories of "+a.source)
	case err != nil:
		return c.Ends(judge.Error, err.Error())
	}
	v := c.Ends(judge.Pass, fmt.Sprintf("Kata is %s, by %s; the flaw is gone since %s (%s)", version, file, a.fixed, a.source))
	v.Shown = a.affected(a.last)
	v.Compared = []judge.Comparison{{Reading: "version", Truth: a.fixed + " or later", Subject: version, Match: a.affected(version)}}
	switch {
	case a.affected(version):
		v.Result, v.Reason = judge.Fail, fmt.Sprintf("subject runs under Kata %s, by %s: before %s %s (%s)", version, file, a.fixed, a.flaw, a.source)
	case !v.Shown:
		v.Result, v.Reason = judge.Invalid, fmt.Sprintf("the comparison does not find %s affected", a.last)
	}
	return v
}
