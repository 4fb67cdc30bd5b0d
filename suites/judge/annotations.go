package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// What became of a pod with an annotation, as katacert saw it at the API server, is
// in the observation "annotations" of vantage api, in lines "what=<annotation>
// result=refused|ran|failed mark=<mark>". The list "said" holds messages.

// annotated is what became of the pod with one annotation.
type annotated struct {
	name, result, mark, said string
	// marked says whether an event about the pod speaks of the mark.
	marked bool
}

const ran = "ran"

// Effect is the predicate "the annotation had its effect".
type Effect struct {
	// sees looks for the effect: in the guest, where the pod ran, or on the node.
	sees func(c *Case, a annotated) Sight
	// onNode marks effects that are seen without the pod.
	onNode bool
}

// Annotation judges one annotation of a tenant's pod by its effect. The subject is
// the same pod without annotation: where it did not run beside it, nothing was
// shown. That the effect would be found is shown by evidence in which it is there.
func Annotation(name string, effect Effect, honoured Evidence) func(Evidence) Verdict {
	return func(from Evidence) Verdict {
		verdict := judgeAnnotation(name, effect, from)
		control := judgeAnnotation(name, effect, honoured)
		verdict.Shown = control.Result == Fail
		if verdict.Result == Pass && !verdict.Shown {
			verdict.Result = Invalid
			verdict.Reason = "the effect is not found where it is known to be either: " + control.Reason
		}
		return verdict
	}
}

func judgeAnnotation(name string, effect Effect, from Evidence) Verdict {
	c := &Case{Evidence: from, Truth: from.View(evidence.Subject), Seen: from.View(evidence.Annotated(name))}
	result, reason, readings := c.annotation(name, effect)
	return Verdict{Result: result, Reason: reason, Rests: c.rests, Compared: compare(Sight{}, Sight{Readings: readings})}
}

func (c *Case) annotation(name string, effect Effect) (Result, string, []Reading) {
	sandbox, err := c.sandbox(evidence.Subject)
	if err != nil {
		return Error, fmt.Sprintf("subject %v", err), nil
	}
	if sandbox.Kind() != KindVM {
		return NotApplicable, fmt.Sprintf("subject runs under %s, which knows no annotations of Kata Containers", sandbox.Shim), nil
	}
	a, err := c.tried(name)
	if err != nil {
		return Error, fmt.Sprintf("api %v", err), nil
	}
	if err := c.ranPlain(); err != nil {
		return Invalid, fmt.Sprintf("the same pod without the annotation %v, so that nothing was shown", err), nil
	}
	saw := Sight{Outcome: Unknown, Reason: "did not run: " + a.said}
	if effect.onNode || a.result == ran {
		saw = effect.sees(c, a)
	}
	switch {
	case saw.Outcome == Detected:
		return Fail, "the annotation is honoured: " + saw.Reason, saw.Readings
	case a.result == refused && (saw.Outcome == Undetected || !effect.onNode):
		return Pass, "the annotation is refused: " + a.said, saw.Readings
	case saw.Outcome == Unknown:
		return Error, "the pod with the annotation " + saw.Reason, saw.Readings
	case a.result != ran:
		return Error, "the pod with the annotation did not run, and not because the annotation was refused: " + a.said, saw.Readings
	case saw.Outcome == Undetected:
		return Pass, "the pod with the annotation ran, and the annotation had no effect: it " + saw.Reason, saw.Readings
	default: // nothing that the annotation could take away
		return NotApplicable, saw.Reason, saw.Readings
	}
}

// ranPlain says why the subject did not look beside the annotated pods, if it did
// not.
func (c *Case) ranPlain() error {
	o, err := c.observe(c.Truth, evidence.Trial, "cmdline")
	if err != nil {
		return err
	}
	if line, _ := o.Values.Text("cmdline"); line == "" {
		return fmt.Errorf("could not read its own kernel's command line: %s", why(o))
	}
	return nil
}

// tried finds what became of the pod with the annotation.
func (c *Case) tried(name string) (annotated, error) {
	o, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, "annotations")
	if err != nil {
		return annotated{}, err
	}
	lines, _ := o.Values.List("asked")
	for _, line := range lines {
		fields := keyValues(line)
		if fields["what"] != name || fields["result"] == "" || fields["mark"] == "" {
			continue
		}
		return annotated{name: name, result: fields["result"], mark: fields["mark"], marked: fields["marked"] == "yes", said: c.said("annotations", "asked "+name)}, nil
	}
	return annotated{}, fmt.Errorf("does not say what became of a pod with it: %s", whyOr(o, "it was not tried"))
}

func whyOr(o evidence.Observation, otherwise string) string {
	if o.Detail == "" && o.Errno == "" {
		return otherwise
	}
	return why(o)
}

// bothInTrial finds what the subject and the annotated pod observed beside each
// other.
func (c *Case) bothInTrial(probe string) (plain, with evidence.Observation, done *Sight) {
	plain, err := c.observe(c.Truth, evidence.Trial, probe)
	if err != nil {
		return plain, with, &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: subject %v", err)}
	}
	with, err = c.observe(c.Seen, evidence.Trial, probe)
	if err != nil {
		return plain, with, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	for _, o := range []evidence.Observation{plain, with} {
		if o.State != evidence.Seen {
			return plain, with, &Sight{Outcome: Unknown, Reason: "cannot be compared: " + why(o)}
		}
	}
	return plain, with, nil
}

// MarkOnCommandLine is the effect that the guest's kernel was given the mark.
func MarkOnCommandLine() Effect {
	return Effect{sees: func(c *Case, a annotated) Sight {
		_, with, done := c.bothInTrial("cmdline")
		if done != nil {
			return *done
		}
		line, ok := with.Values.Text("cmdline")
		if !ok {
			return Sight{Outcome: Unknown, Reason: "gave no reading cmdline"}
		}
		there := slices.Contains(strings.Fields(line), "katacert.mark="+a.mark)
		sight := Sight{Outcome: Undetected, Reason: "has no mark on its kernel's command line",
			Readings: []Reading{{Name: "cmdline", Truth: "without katacert.mark=" + a.mark, Seen: line, Match: there}}}
		if there {
			sight.Outcome, sight.Reason = Detected, "the guest's kernel was started with the tenant's parameter katacert.mark="+a.mark
		}
		return sight
	}}
}

// Grew is the effect that the guest has more of something than the subject's, by
// at least that much.
func Grew(reading string, by int64) Effect {
	return Effect{sees: func(c *Case, _ annotated) Sight {
		plain, with, done := c.bothInTrial("load")
		if done != nil {
			return *done
		}
		before, okBefore := plain.Values.Number(reading)
		after, okAfter := with.Values.Number(reading)
		if !okBefore || !okAfter || before <= 0 || after <= 0 {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: no reading " + reading}
		}
		grew := after >= before && after-before >= by
		sight := Sight{Outcome: Undetected, Reason: fmt.Sprintf("has %s %d, the subject %d", reading, after, before),
			Readings: []Reading{{Name: reading, Truth: fmt.Sprint(before), Seen: fmt.Sprint(after), Match: grew}}}
		if grew {
			sight.Outcome = Detected
			sight.Reason = fmt.Sprintf("the guest has %s %d, without the annotation %d", reading, after, before)
		}
		return sight
	}}
}

// LostSeccomp is the effect that the guest's processes run without the seccomp
// filter that the subject's have.
func LostSeccomp() Effect {
	return Effect{sees: func(c *Case, _ annotated) Sight {
		plain, with, done := c.bothInTrial("posture")
		if done != nil {
			return *done
		}
		before, okBefore := plain.Values.Number("seccomp")
		after, okAfter := with.Values.Number("seccomp")
		if !okBefore || !okAfter {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: no reading seccomp"}
		}
		sight := Sight{Outcome: Undetected, Reason: "is held by seccomp as the subject is",
			Readings: []Reading{{Name: "seccomp", Truth: fmt.Sprint(before), Seen: fmt.Sprint(after), Match: before != 0 && after == 0}}}
		switch {
		case before == 0:
			sight.Outcome, sight.Reason = NoTruth, "no seccomp filter is on in the guest without the annotation either (disable_guest_seccomp of the runtime's configuration): there is nothing to take away"
		case after == 0:
			sight.Outcome, sight.Reason = Detected, "the guest's processes run without the seccomp filter that they have without the annotation"
		}
		return sight
	}}
}

// LostNetwork is the effect that the guest lacks the interface that the pod's
// network gives to the subject's.
func LostNetwork() Effect {
	return Effect{sees: func(c *Case, _ annotated) Sight {
		plain, with, done := c.bothInTrial("links")
		if done != nil {
			return *done
		}
		before, okBefore := plain.Values.List("names")
		after, okAfter := with.Values.List("names")
		if !okBefore || !okAfter {
			return Sight{Outcome: Unknown, Reason: "cannot be compared: no list of interfaces"}
		}
		sight := Sight{Outcome: Undetected, Reason: "has the interfaces of the pod's network: " + shorten(after),
			Readings: []Reading{listReading("interfaces", before, after, len(after) == 0)}}
		switch {
		case len(before) == 0:
			sight.Outcome, sight.Reason = NoTruth, "the subject has no interface either, which the annotation could take away"
		case len(after) == 0:
			sight.Outcome, sight.Reason = Detected, "the sandbox is not in the pod's network: its guest has no interface, without the annotation "+shorten(before)
		}
		return sight
	}}
}
