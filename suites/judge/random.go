package judge

import (
	"fmt"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// unique are the readings that no two machines may share, by probe: a machine that was
// cloned from a template after it started has them of the template.
var unique = []struct {
	probe    string
	readings []string
}{
	{"random", []string{"getrandom", "urandom", "machine_id"}},
	{"boot-id", []string{"boot_id"}},
	{"dmi", []string{"product_uuid"}},
}

// SharesRandomness detects two machines that draw the same random numbers, or share an
// identifier that was drawn once: what one then keeps secret, the other knows.
func SharesRandomness() Detection {
	return func(c *Case) Sight {
		sight := Sight{Outcome: Undetected}
		var same, apart []string
		for _, source := range unique {
			truth, err := c.observe(c.Truth, evidence.Look, source.probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s %v", c.Truth.Vantage, err)}
			}
			seen, err := c.observe(c.Seen, evidence.Look, source.probe)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: err.Error()}
			}
			for _, name := range source.readings {
				want, has := truth.Values.Text(name)
				got, alsoHas := seen.Values.Text(name)
				if !has || !alsoHas || source.probe == "dmi" && strings.Trim(got, "0-") == "" {
					continue // an identifier of zeros is none; a random number of zeros is one
				}
				sight.Readings = append(sight.Readings, Reading{Name: name, Truth: want, Seen: got, Match: want == got})
				if want == got {
					same = append(same, name)
				} else {
					apart = append(apart, name)
				}
			}
			// Firmware tables need not be there, but not in one machine alone.
			neither := len(seen.Values) == 0 && len(truth.Values) == 0
			if (len(seen.Values) == 0) != (len(truth.Values) == 0) || neither && source.probe != "dmi" {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared with %s by %s: %s", c.Truth.Vantage, source.probe, why(seen))}
			}
		}
		switch {
		case len(same) > 0:
			sight.Outcome, sight.Reason = Detected, fmt.Sprintf("has the same %s as %s", strings.Join(same, ", "), c.Truth.Vantage)
		case len(apart) == 0:
			return Sight{Outcome: AbsentThere, Reason: "shows nothing that was drawn by chance"}
		default:
			sight.Reason = fmt.Sprintf("differs from %s in %s", c.Truth.Vantage, strings.Join(apart, ", "))
		}
		return sight
	}
}
