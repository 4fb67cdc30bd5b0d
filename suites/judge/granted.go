package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// Questions that katacert asks the API server with other accounts than its own are
// answered in lines "what=<question> result=granted|refused|error …". The list
// "asked" holds what must be refused, the list "shown" the same questions where
// they must be granted, by whoever may.

// Granted detects that the API server granted something that it must refuse. A
// refusal proves something only where the plain question, which differs from the
// others in nothing but what they ask for, is granted; plain names it, and is
// empty where every question stands on its own.
func Granted(probe, plain string) Detection {
	return func(c *Case) Sight {
		asked, shown, done := c.answers(probe)
		if done != nil {
			return *done
		}
		if len(asked) == 0 || !sameQuestions(asked, shown) {
			return Sight{Outcome: Unknown, Reason: "was not asked the same where it must refuse and where it must grant"}
		}
		sight := Sight{Outcome: Undetected}
		var grants, errors, refusers []string
		for _, a := range asked {
			if a.what == plain {
				if a.result != granted {
					return Sight{Outcome: Unknown, Reason: fmt.Sprintf("did not grant the plain request either (%s), so that nothing was shown: %s", a, c.said(probe, "asked "+plain))}
				}
				continue
			}
			sight.Readings = append(sight.Readings, Reading{Name: a.what, Truth: refused, Seen: a.String(), Match: a.result == granted})
			switch a.result {
			case granted:
				grants = append(grants, a.what)
			case refused:
				refusers = append(refusers, a.notes["by"])
			default:
				errors = append(errors, a.what)
			}
		}
		sight.Readings = append(sight.Readings, c.recorded(probe)...)
		switch {
		case len(grants) > 0:
			sight.Outcome, sight.Reason = Detected, fmt.Sprintf("grants what it must refuse: %s", shorten(grants))
		case len(errors) > 0:
			sight.Outcome, sight.Reason = Unknown, fmt.Sprintf("neither grants nor refuses %s: %s", shorten(errors), c.said(probe, "asked "+errors[0]))
		case len(refusers) == 0:
			sight.Outcome, sight.Reason = Unknown, "was asked for nothing that it must refuse"
		default:
			sight.Reason = fmt.Sprintf("refuses all %d requests", len(refusers))
			slices.Sort(refusers)
			if named := slices.DeleteFunc(slices.Compact(refusers), func(by string) bool { return by == "" }); len(named) > 0 {
				sight.Reason += " (by " + strings.Join(named, ", ") + ")"
			}
		}
		return sight
	}
}

// GrantedElsewhere detects that the API server granted each of the questions of
// Granted where it must.
func GrantedElsewhere(probe string) Detection {
	return func(c *Case) Sight {
		_, shown, done := c.answers(probe)
		if done != nil {
			return *done
		}
		sight := Sight{Outcome: Detected, Reason: fmt.Sprintf("grants all %d where they may be", len(shown))}
		for _, a := range shown {
			sight.Readings = append(sight.Readings, Reading{Name: a.what, Truth: granted, Seen: a.String()})
			switch {
			case a.result == refused && sight.Outcome == Detected:
				sight.Outcome = Undetected
				sight.Reason = fmt.Sprintf("does not grant %s where it may be (%s): %s", a.what, a, c.said(probe, "shown "+a.what))
			case a.result != granted && a.result != refused:
				sight.Outcome = Unknown
				sight.Reason = fmt.Sprintf("neither grants nor refuses %s where it may be: %s", a.what, c.said(probe, "shown "+a.what))
				return sight
			}
		}
		if len(shown) == 0 {
			sight.Outcome, sight.Reason = Unknown, "was asked for nothing"
		}
		return sight
	}
}

const (
	granted = "granted"
	refused = "refused"
)

// answered is one answer of the API server.
type answered struct {
	what, result string
	notes        map[string]string
}

// String shows an answer without its question.
func (a answered) String() string {
	text := a.result
	for _, key := range []string{"by", "class", "token", "status"} {
		if note := a.notes[key]; note != "" {
			text += " " + key + " " + note
		}
	}
	return text
}

// answers parses both lists of a question.
func (c *Case) answers(probe string) (asked, shown []answered, done *Sight) {
	o, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, probe)
	if err != nil {
		return nil, nil, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	if done := notSeen(o); done != nil {
		return nil, nil, done
	}
	for name, list := range map[string]*[]answered{"asked": &asked, "shown": &shown} {
		lines, ok := o.Values.List(name)
		if !ok {
			return nil, nil, &Sight{Outcome: Unknown, Reason: "gave no list " + name}
		}
		for _, line := range lines {
			notes := keyValues(line)
			if notes["what"] == "" || notes["result"] == "" {
				return nil, nil, &Sight{Outcome: Unknown, Reason: fmt.Sprintf("gave the answer %.80q", line)}
			}
			*list = append(*list, answered{what: notes["what"], result: notes["result"], notes: notes})
		}
	}
	return asked, shown, nil
}

// recorded are texts that came with the answers and are no part of the verdict.
func (c *Case) recorded(probe string) []Reading {
	o, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, probe)
	if err != nil {
		return nil
	}
	var readings []Reading
	for _, name := range slices.Sorted(maps.Keys(o.Values)) {
		if text, is := o.Values.Text(name); is {
			readings = append(readings, Reading{Name: name, Truth: "recorded", Seen: text})
		}
	}
	return readings
}

// said is the message that came with an answer.
func (c *Case) said(probe, which string) string {
	o, err := c.observe(c.Evidence.View(evidence.API), evidence.Look, probe)
	if err != nil {
		return err.Error()
	}
	lines, _ := o.Values.List("said")
	for _, line := range lines {
		if message, ok := strings.CutPrefix(line, which+": "); ok {
			return message
		}
	}
	return "no message"
}

func sameQuestions(a, b []answered) bool {
	names := func(list []answered) []string {
		var whats []string
		for _, one := range list {
			whats = append(whats, one.what)
		}
		slices.Sort(whats)
		return whats
	}
	return slices.Equal(names(a), names(b))
}
