package judge

import (
	"fmt"

	"github.com/katacert/katacert/probes/evidence"
)

// MovesAlong detects a kernel counter that moved with the node's while the
// witness worked on it. The witness reads the counter before everyone's first
// look, before and after its act, and after everyone's second look; a vantage on
// the same kernel must lie between those readings both times. Another kernel
// would have to hold the same number and move by the same amount.
func MovesAlong(probe string, counters ...string) Detection {
	return func(c *Case) Sight {
		var (
			witness [3]evidence.Observation
			seen    [2]evidence.Observation
		)
		for i, round := range []evidence.Round{evidence.Look, evidence.Act, evidence.Settle} {
			o, err := c.observe(c.Truth, round, probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s %v", c.Truth.Vantage, err)}
			}
			if o.State != evidence.Seen {
				return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s has no such counter: %s", c.Truth.Vantage, why(o))}
			}
			witness[i] = o
		}
		for i, round := range []evidence.Round{evidence.Look, evidence.LookAgain} {
			o, err := c.observe(c.Seen, round, probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: err.Error()}
			}
			if done := notSeen(o); done != nil {
				return *done
			}
			seen[i] = o
		}
		sight := Sight{Outcome: Undetected, Alternatives: true}
		for _, counter := range counters {
			reading, comparable := bracket(counter, witness, seen)
			if !comparable {
				continue
			}
			sight.Readings = append(sight.Readings, reading)
			if reading.Match {
				sight.Outcome = Detected
			}
		}
		switch {
		case len(sight.Readings) == 0:
			return Sight{Outcome: AbsentThere, Reason: "has none of the counters that the node has"}
		case sight.Outcome == Detected:
			sight.Reason = fmt.Sprintf("sees the %s counter move with the node's", names(sight.Readings, true))
		default:
			sight.Reason = fmt.Sprintf("sees a %s counter that does not follow the node's", names(sight.Readings, false))
		}
		return sight
	}
}

func bracket(counter string, witness [3]evidence.Observation, seen [2]evidence.Observation) (Reading, bool) {
	first, ok1 := witness[0].Values.Number(counter)
	before, ok2 := witness[1].Values.Number(counter + "_before")
	after, ok3 := witness[1].Values.Number(counter)
	last, ok4 := witness[2].Values.Number(counter)
	one, ok5 := seen[0].Values.Number(counter)
	two, ok6 := seen[1].Values.Number(counter)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || after <= before {
		return Reading{}, false
	}
	return Reading{
		Name:  counter,
		Truth: fmt.Sprintf("%d..%d, then %d..%d", first, before, after, last),
		Seen:  fmt.Sprintf("%d, then %d", one, two),
		Match: first <= one && one <= before && after <= two && two <= last,
	}, true
}

// CountsAlong detects a count that may also fall (cgroups of the node) by its
// jump: the witness made `created` of them between the two looks.
func CountsAlong(probe string) Detection {
	return func(c *Case) Sight {
		act, err := c.observe(c.Truth, evidence.Act, probe)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s %v", c.Truth.Vantage, err)}
		}
		counted, named := act.Values.Text("hierarchy")
		created, many := act.Values.Number("created")
		if act.State != evidence.Seen || !named || !many || created == 0 {
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s could make none: %s", c.Truth.Vantage, why(act))}
		}
		name := "num_" + counted
		var counts [2]int64
		for i, round := range []evidence.Round{evidence.Look, evidence.LookAgain} {
			o, err := c.observe(c.Seen, round, probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: err.Error()}
			}
			if done := notSeen(o); done != nil {
				return *done
			}
			count, ok := o.Values.Number(name)
			if !ok {
				return Sight{Outcome: AbsentThere, Reason: "has no " + name}
			}
			counts[i] = count
		}
		total, _ := act.Values.Number(name)
		// Other pods of the node come and go meanwhile; half the jump is room
		// enough for them and far more than a guest's own count moves.
		slack := created / 2
		match := counts[1]-counts[0] >= created-slack && counts[1] >= total-slack && counts[1] <= total+slack
		sight := Sight{Outcome: Undetected, Readings: []Reading{{
			Name: name, Truth: fmt.Sprintf("%d after %d were made", total, created),
			Seen: fmt.Sprintf("%d, then %d", counts[0], counts[1]), Match: match,
		}}}
		sight.Reason = fmt.Sprintf("counts %d then %d, which does not follow the node's", counts[0], counts[1])
		if match {
			sight.Outcome = Detected
			sight.Reason = fmt.Sprintf("counted the %d cgroups that the witness made", created)
		}
		return sight
	}
}
