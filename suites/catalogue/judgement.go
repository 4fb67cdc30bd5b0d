package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/suites/judge"
)

// instancesNeeded is how many instance signals must show two kernels before
// equal builds are excused. One is not enough: gVisor, for example, draws a
// boot id of its own without being a virtual machine.
const instancesNeeded = 2

// JudgeAll gives the verdict of every control on the evidence of one target, by
// control id.
//
// Readings of a kernel's build (release, build ids) are equal when guest and
// node run the same build, which says nothing about whether they run the same
// kernel. So where several instance readings show two kernels and none shows
// one, a build control that failed becomes not-applicable.
func JudgeAll(controls []Control, from judge.Evidence) map[string]judge.Verdict {
	verdicts := make(map[string]judge.Verdict, len(controls))
	var apart, together []string
	for _, c := range controls {
		v := c.Judge(from)
		verdicts[c.ID] = v
		if c.Signal != Instance {
			continue
		}
		switch v.Result {
		case judge.Pass:
			apart = append(apart, c.ID)
		case judge.Fail:
			together = append(together, c.ID)
		}
	}
	for _, c := range controls {
		v := verdicts[c.ID]
		if c.Signal == Build && v.Result == judge.Fail && len(apart) >= instancesNeeded && len(together) == 0 {
			v.Result = judge.NotApplicable
			v.Reason = fmt.Sprintf("guest and node run the same kernel build; that they are two kernels is shown by %s", strings.Join(apart, ", "))
			verdicts[c.ID] = v
		}
	}
	return verdicts
}

// Validate checks that the catalogue is sound: unique well-formed ids, and
// everything said that a reader of a report relies on. It returns every fault.
func Validate(all []Control) []error {
	var faults []error
	seen := map[string]bool{}
	for _, c := range all {
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("control %q: "+format, append([]any{c.ID}, args...)...))
		}
		if c.ID == "" || strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			fault("the id is not kebab-case")
		}
		if seen[c.ID] {
			fault("the id is used twice")
		}
		seen[c.ID] = true
		for _, part := range []struct{ name, text string }{
			{"title", c.Title}, {"why", c.Why}, {"proves", c.Proves}, {"proves-not", c.ProvesNot}, {"on-fail", c.OnFail},
		} {
			if part.text == "" {
				fault("%s is empty", part.name)
			}
		}
		for _, part := range []struct {
			name, value string
			known       bool
		}{
			{"group", string(c.Group), slices.Contains(Groups(), c.Group)},
			{"level", string(c.Level), c.Level == Isolation || c.Level == Hardening},
			{"profile", string(c.Profile), slices.Contains(Profiles(), c.Profile)},
			{"safety", string(c.Safety), slices.Contains([]Safety{Observes, Plants, Disturbs}, c.Safety)},
			{"signal", string(c.Signal), c.Signal == "" || c.Signal == Instance || c.Signal == Build},
		} {
			if !part.known {
				fault("there is no %s %q", part.name, part.value)
			}
		}
		if (c.Rule == nil) == (c.Verdict == nil) {
			fault("exactly one of rule and verdict must be set")
		}
		if c.Rule != nil && !c.Rule.RecordOnly && c.Rule.Control == "" {
			fault("no vantage shows it able to fail")
		}
		if c.Verdict != nil && c.Shown == "" {
			fault("it does not say how it is shown able to fail")
		}
		if len(c.Refs) == 0 {
			fault("it has no reference")
		}
	}
	return faults
}
