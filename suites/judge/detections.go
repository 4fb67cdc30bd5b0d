package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/katacert/katacert/probes/evidence"
)

// SameText detects when every named reading that both have is equal. One reading
// that differs is enough for two kernels; a reading that is not there differs
// from nothing.
func SameText(probe string, readings ...string) Detection {
	return func(c *Case) Sight {
		truth, seen, done := c.both(probe)
		if done != nil {
			return *done
		}
		sight := Sight{Outcome: Undetected, Alternatives: true}
		wanted, compared, equal := 0, 0, 0
		for _, name := range readings {
			want, has := truth.Values.Text(name)
			if !has || want == "" {
				continue
			}
			wanted++
			got, has := seen.Values.Text(name)
			if !has {
				continue
			}
			compared++
			if got == want {
				equal++
			}
			sight.Readings = append(sight.Readings, Reading{Name: name, Truth: want, Seen: got, Match: got == want})
		}
		switch {
		case wanted == 0:
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s has none of %s", c.Truth.Vantage, strings.Join(readings, ", "))}
		case compared == 0:
			return Sight{Outcome: AbsentThere, Reason: "has none of " + strings.Join(readings, ", ")}
		case equal == compared:
			sight.Outcome, sight.Reason = Detected, sees(c, sight.Readings)
		default:
			sight.Reason = differs(c, sight.Readings)
		}
		return sight
	}
}

// AnySameText detects when at least one of the named readings is equal: each of
// them identifies one machine on its own.
func AnySameText(probe string, readings ...string) Detection {
	return func(c *Case) Sight {
		truth, seen, done := c.both(probe)
		if done != nil {
			return *done
		}
		sight := Sight{Outcome: Undetected, Alternatives: true}
		wanted := 0
		for _, name := range readings {
			want, has := truth.Values.Text(name)
			if !has || want == "" {
				continue
			}
			wanted++
			got, has := seen.Values.Text(name)
			if !has {
				continue
			}
			sight.Readings = append(sight.Readings, Reading{Name: name, Truth: want, Seen: got, Match: got == want})
			if got == want {
				sight.Outcome = Detected
			}
		}
		switch {
		case wanted == 0:
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s has none of %s", c.Truth.Vantage, strings.Join(readings, ", "))}
		case len(sight.Readings) == 0:
			return Sight{Outcome: AbsentThere, Reason: "has none of " + strings.Join(readings, ", ")}
		}
		sight.Reason = sightReason(c, sight)
		return sight
	}
}

// NearInTime detects when a reading in nanoseconds is within the tolerance of
// the truth's.
func NearInTime(probe, reading string, tolerance time.Duration) Detection {
	return func(c *Case) Sight {
		truth, seen, done := c.both(probe)
		if done != nil {
			return *done
		}
		want, okTruth := truth.Values.Number(reading)
		got, okSeen := seen.Values.Number(reading)
		if !okTruth || !okSeen {
			return Sight{Outcome: Unknown, Reason: "gave no reading " + reading}
		}
		apart := time.Duration(got - want).Abs()
		sight := Sight{Outcome: Undetected, Readings: []Reading{{
			Name: reading, Truth: instant(want), Seen: instant(got), Match: apart <= tolerance,
		}}}
		if apart <= tolerance {
			sight.Outcome = Detected
			sight.Reason = fmt.Sprintf("agrees with %s on %s within %v", c.Truth.Vantage, reading, apart)
			return sight
		}
		sight.Reason = fmt.Sprintf("is %v apart from %s in %s", apart.Round(time.Millisecond), c.Truth.Vantage, reading)
		return sight
	}
}

func instant(nanos int64) string {
	return time.Unix(0, nanos).UTC().Format("2006-01-02T15:04:05.000000Z")
}

// SharesAny detects when a list has an item in common with the truth's list.
// Items must be unique to one machine.
func SharesAny(probe, reading string) Detection {
	return compareLists(probe, reading, func(of evidence.Vantage, want, got []string) (bool, string) {
		shared := intersect(want, got)
		if len(shared) == 0 {
			return false, fmt.Sprintf("sees none of the %s of %s", reading, of)
		}
		return true, fmt.Sprintf("sees %d of the %s of %s, for example %s", len(shared), reading, of, shared[0])
	})
}

// SameSet detects when the whole list equals the truth's and is not empty.
func SameSet(probe, reading string) Detection {
	return compareLists(probe, reading, func(of evidence.Vantage, want, got []string) (bool, string) {
		if !slices.Equal(want, got) {
			return false, fmt.Sprintf("sees other %s than %s", reading, of)
		}
		return true, fmt.Sprintf("sees exactly the %d %s of %s", len(want), reading, of)
	})
}

// compareLists compares a list of the first look with the truth's.
func compareLists(probe, reading string, compare func(of evidence.Vantage, want, got []string) (match bool, said string)) Detection {
	return func(c *Case) Sight {
		truth, seen, done := c.both(probe)
		if done != nil {
			return *done
		}
		want, _ := truth.Values.List(reading)
		if len(want) == 0 {
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s has no %s that could be recognised", c.Truth.Vantage, reading)}
		}
		got, has := seen.Values.List(reading)
		if !has {
			return Sight{Outcome: AbsentThere, Reason: "has no " + reading}
		}
		match, said := compare(c.Truth.Vantage, want, got)
		sight := Sight{Outcome: Undetected, Reason: said, Readings: []Reading{listReading(reading, want, got, match)}}
		if match {
			sight.Outcome = Detected
		} else if cut(seen) {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("has more %s than are read, and none of those that were is like the node's", reading)}
		}
		return sight
	}
}

// cut says whether a list was ended by its bound: what it does not hold may be there.
func cut(o evidence.Observation) bool {
	truncated, _ := o.Values.Number("truncated")
	return truncated != 0
}

// Reached detects when a search in the second look came back with anything at
// all. It needs no truth: what is found was planted, or lies outside of the
// sandbox by its nature.
func Reached(probe, reading string, round evidence.Round) Detection {
	return func(c *Case) Sight {
		seen, err := c.observe(c.Seen, round, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if done := notSeen(seen); done != nil {
			return *done
		}
		got, ok := seen.Values.List(reading)
		if !ok {
			return Sight{Outcome: Unknown, Reason: "gave no list " + reading}
		}
		sight := Sight{Outcome: Undetected, Readings: []Reading{listReading(reading, nil, got, len(got) > 0)}}
		if len(got) > 0 {
			sight.Outcome = Detected
			sight.Reason = fmt.Sprintf("reached %d: %s", len(got), got[0])
			return sight
		}
		if unsearched(seen) {
			return Sight{Outcome: Unknown, Reason: reasonUnsearched}
		}
		sight.Reason = "searched and reached nothing"
		if cut(seen) {
			sight.Reason = "searched up to its bound and reached nothing"
		}
		return sight
	}
}

// reasonUnsearched says why a search proves nothing.
const reasonUnsearched = "was cut off before it had searched where plants lie"

// unsearched says whether a search was ended by its bounds, by a busy node or by a
// file system that does not answer, before it had come to the places that matter.
func unsearched(o evidence.Observation) bool {
	left, _ := o.Values.Number("unsearched")
	return left != 0
}

// Planted is Reached for a token that the witness planted: where the witness
// could not plant it, there is no truth to find.
func Planted(plant, probe, reading string) Detection {
	reached := Reached(probe, reading, evidence.LookAgain)
	return func(c *Case) Sight {
		if done := c.unplanted(plant); done != nil {
			return *done
		}
		return reached(c)
	}
}

// unplanted is the sight of whoever looked for a plant that is not there, and nil
// when the witness planted it.
func (c *Case) unplanted(plant string) *Sight {
	planted, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Act, "plants")
	if err != nil {
		return &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot have found anything: witness %v", err)}
	}
	made, _ := planted.Values.List("planted")
	for _, line := range made {
		if strings.HasPrefix(line, plant+" ") {
			return nil
		}
	}
	failed, _ := planted.Values.List("failed")
	for _, line := range failed {
		if strings.HasPrefix(line, plant+":") {
			return &Sight{Outcome: NoTruth, Reason: "nothing could be planted on the node: " + line}
		}
	}
	return &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot have found anything: the witness planted no %s", plant)}
}

// Any detects when one of several detections does. Where none does, the least
// certain of them speaks: unknown before undetected before absent.
func Any(detections ...Detection) Detection {
	return func(c *Case) Sight {
		var sights []Sight
		for _, detect := range detections {
			sights = append(sights, detect(c))
		}
		var readings []Reading
		for _, s := range sights {
			readings = append(readings, s.Readings...)
		}
		for _, outcome := range []Outcome{Detected, Unknown, Undetected, AbsentThere, NoTruth} {
			for _, s := range sights {
				if s.Outcome == outcome {
					s.Readings = readings
					return s
				}
			}
		}
		return Sight{Outcome: Unknown, Reason: "was not compared"}
	}
}

func sightReason(c *Case, s Sight) string {
	if s.Outcome == Detected {
		return sees(c, s.Readings)
	}
	return differs(c, s.Readings)
}

func sees(c *Case, readings []Reading) string {
	return fmt.Sprintf("reads the same %s as %s", names(readings, true), c.Truth.Vantage)
}

func differs(c *Case, readings []Reading) string {
	return fmt.Sprintf("reads another %s than %s", names(readings, false), c.Truth.Vantage)
}

func names(readings []Reading, match bool) string {
	var out []string
	for _, r := range readings {
		if r.Match == match {
			out = append(out, r.Name)
		}
	}
	return strings.Join(out, ", ")
}

// intersect lists the items of a that are in b too. A pod under test may send
// long lists.
func intersect(a, b []string) []string {
	there := make(map[string]bool, len(b))
	for _, item := range b {
		there[item] = true
	}
	var out []string
	for _, item := range a {
		if there[item] {
			out = append(out, item)
		}
	}
	return out
}

const listShown = 8

func listReading(name string, truth, seen []string, match bool) Reading {
	return Reading{Name: name, Truth: shorten(truth), Seen: shorten(seen), Match: match}
}

// shorten shows the head of a list; the whole of it is in evidence.jsonl.
func shorten(items []string) string {
	switch {
	case len(items) == 0:
		return "(none)"
	case len(items) <= listShown:
		return strings.Join(items, ", ")
	default:
		return fmt.Sprintf("%s, and %d more", strings.Join(items[:listShown], ", "), len(items)-listShown)
	}
}

// SameCommandLine detects the node's kernel command line: an identifier from it,
// or the whole line where it is long enough not to be met by chance.
func SameCommandLine() Detection {
	words := SharesAny("cmdline", "words")
	whole := SameText("cmdline", "cmdline")
	return func(c *Case) Sight {
		truth, err := c.observe(c.Truth, evidence.Look, "cmdline")
		if err == nil && truth.State == evidence.Seen {
			line, _ := truth.Values.Text("cmdline")
			unique, _ := truth.Values.List("words")
			if len(line) < distinctiveLine && len(unique) == 0 {
				return Sight{Outcome: NoTruth, Reason: "the node's command line holds nothing that could be recognised"}
			}
		}
		return Any(whole, words)(c)
	}
}

// distinctiveLine is the length in bytes from which a whole kernel command line
// counts as one machine's own.
const distinctiveLine = 40

// Recorded shows a reading without judging it.
func Recorded(probe, reading string) Detection {
	return func(c *Case) Sight {
		seen, err := c.observe(c.Seen, evidence.Look, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if done := notSeen(seen); done != nil {
			return *done
		}
		text, _ := seen.Values.Text(reading)
		host := ""
		if truth, err := c.observe(c.Truth, evidence.Look, probe); err == nil {
			host, _ = truth.Values.Text(reading)
		}
		return Sight{Outcome: Undetected, Reason: fmt.Sprintf("%s is %q in the pod and %q on the node", reading, text, host),
			Readings: []Reading{{Name: reading, Truth: host, Seen: text, Match: false}}}
	}
}
