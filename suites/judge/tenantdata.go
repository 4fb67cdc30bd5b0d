package judge

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// FindsTenantData detects another tenant's data of the given kinds in what a
// probe found. Every tenant is told what the others' data hashes to, and never
// its own, so that whatever was found is another's.
//
// The rule's subject stands for everybody who must not find: both tenants while
// both run, and where the probe looked there, their successors after both were
// gone. The control vantage must find while they run; where it finds in the
// aftermath too, what the tenants left was really there to be found.
func FindsTenantData(probe string, kinds ...string) Detection {
	return func(c *Case) Sight {
		if _, weakened := c.Seen.Vantage.Weakness(); weakened {
			return c.controlFinds(probe, kinds)
		}
		// Everybody is asked: what one tenant says must not hide what another found.
		var sights []Sight
		var readings []Reading
		var free []string
		for _, at := range []struct {
			vantage evidence.Vantage
			round   evidence.Round
		}{
			{evidence.Subject, evidence.LookAgain}, {evidence.Neighbour, evidence.LookAgain},
			{evidence.SubjectSuccessor, evidence.Aftermath}, {evidence.NeighbourSuccessor, evidence.Aftermath},
		} {
			found, done := c.found(at.vantage, at.round, probe, kinds)
			if done != nil && done.Outcome == Undetected {
				free = append(free, string(at.vantage)+", which "+done.Reason)
				continue
			}
			if done != nil {
				done.Reason = fmt.Sprintf("cannot be cleared: %s in round %s %s", at.vantage, at.round, done.Reason)
				sights = append(sights, *done)
				continue
			}
			readings = append(readings, listReading(string(at.vantage), nil, found, len(found) > 0))
			if len(found) > 0 {
				sights = append(sights, Sight{Outcome: Detected,
					Reason: fmt.Sprintf("and its peers are not kept apart: %s found another tenant's data in round %s: %s", at.vantage, at.round, found[0])})
				continue
			}
			free = append(free, string(at.vantage))
		}
		if sight := worst(sights); sight != nil {
			sight.Readings = readings
			return *sight
		}
		return Sight{Outcome: Undetected, Readings: readings,
			Reason: fmt.Sprintf("and its peers found nothing of the other tenant (%s)", strings.Join(free, ", "))}
	}
}

// worst is the first of the sights that weigh most where all must be clear: what
// was seen, then what nobody knows, then that there was nothing to look at. It is
// nil where there are none.
func worst(sights []Sight) *Sight {
	for _, outcome := range []Outcome{Detected, Unknown, NoTruth, AbsentThere, Undetected} {
		for _, s := range sights {
			if s.Outcome == outcome {
				return &s
			}
		}
	}
	return nil
}

// controlFinds is the sight of the control vantage: what it found while the
// tenants ran, and for the reader what it found afterwards.
func (c *Case) controlFinds(probe string, kinds []string) Sight {
	if done := c.laid(kinds); done != nil {
		return *done
	}
	found, done := c.found(c.Seen.Vantage, evidence.LookAgain, probe, kinds)
	if done != nil {
		return *done
	}
	sight := Sight{Outcome: Undetected, Reason: "found no tenant's data", Readings: []Reading{listReading("found", nil, found, len(found) > 0)}}
	if len(found) == 0 {
		return sight
	}
	sight.Outcome, sight.Reason = Detected, "found "+found[0]
	later, done := c.found(c.Seen.Vantage, evidence.Aftermath, probe, kinds)
	if done != nil {
		done.Outcome = Unknown
		return *done
	}
	sight.Readings = append(sight.Readings, listReading("found_aftermath", nil, later, len(later) > 0))
	if len(later) > 0 {
		sight.Reason += ", and " + later[0] + " after the tenants were gone"
	} else {
		sight.Reason += "; nothing was left after the tenants were gone"
	}
	return sight
}

// found lists what a vantage found of the given kinds in a round.
func (c *Case) found(v evidence.Vantage, round evidence.Round, probe string, kinds []string) ([]string, *Sight) {
	o, err := c.observe(c.Evidence.View(v), round, probe)
	if err != nil {
		return nil, &Sight{Outcome: Unknown, Reason: err.Error()}
	}
	if done := notSeen(o); done != nil {
		return nil, done
	}
	all, ok := o.Values.List("found")
	if !ok {
		return nil, &Sight{Outcome: Unknown, Reason: "gave no list found"}
	}
	var found []string
	for _, line := range all {
		for _, kind := range kinds {
			if strings.HasPrefix(line, kind+"-") {
				found = append(found, line)
			}
		}
	}
	if len(found) == 0 && unsearched(o) {
		return nil, &Sight{Outcome: Unknown, Reason: reasonUnsearched}
	}
	return found, nil
}

// laid is the sight that ends the detection where the tenants have no data of the
// given kinds to be found.
func (c *Case) laid(kinds []string) *Sight {
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.Neighbour, evidence.Reference} {
		o, err := c.observe(c.Evidence.View(v), evidence.Act, "tenant-data")
		if err != nil {
			return &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot have found anything: %s %v", v, err)}
		}
		laid, _ := o.Values.List("laid")
		failed, _ := o.Values.List("failed")
		for _, kind := range kinds {
			if !hasPrefix(laid, kind+" ") {
				return &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot have found anything: %s laid out no %s: %s", v, kind, because(failed, kind))}
			}
		}
	}
	return nil
}

func hasPrefix(lines []string, prefix string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
