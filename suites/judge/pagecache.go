package judge

import (
	"fmt"
	"math/bits"
	"strconv"

	"github.com/katacert/katacert/probes/evidence"
)

const (
	// pagesAstray is how many pages of a recovered sign may differ from the one
	// that was left: a kernel under pressure lets go of a page, and another
	// program's read-ahead brings one in. Of all combinations of 64 pages, 1 in
	// 10^13 comes so near to a sign by chance.
	pagesAstray = 4
	// pagesInSign is the length of a sign.
	pagesInSign = 64
	pageCache   = "page-cache"
)

// SharesPageCache detects by the memory of one kernel: the sign that the witness
// left in it, by reading a random half of some pages of the image that all pods
// run, is recovered by the vantage.
func SharesPageCache() Detection {
	return func(c *Case) Sight {
		truth := c.Evidence.View(evidence.Witness)
		if done := c.carriesNoSign(truth); done != nil {
			return *done
		}
		return c.recovers(c.Seen, truth, "node")
	}
}

// TenantsSharePageCache detects when one of the tenants recovers the sign that
// the other left, which is what a tenant reads of an image that both run. The
// control vantage must recover the reference's.
func TenantsSharePageCache() Detection {
	return func(c *Case) Sight {
		if done := c.carriesNoSign(c.Evidence.View(evidence.Witness)); done != nil {
			return *done
		}
		if c.Seen.Vantage != evidence.Subject {
			return c.recovers(c.Seen, c.Evidence.View(evidence.Reference), "reference")
		}
		neighbour := c.Evidence.View(evidence.Neighbour)
		both := []Sight{
			c.recovers(c.Seen, neighbour, "tenant-b"),
			c.recovers(neighbour, c.Seen, "tenant-a"),
		}
		both[1].Reason = fmt.Sprintf("is seen by %s, which %s", neighbour.Vantage, both[1].Reason)
		readings := append(both[0].Readings, both[1].Readings...)
		// Both ways must be shown to be shut: what could not be looked at in one of
		// them weighs more than that nothing was seen in the other.
		sight := worst(both)
		sight.Readings = readings
		return *sight
	}
}

// carriesNoSign is the sight where the node's page cache cannot carry a sign,
// which the witness found out when it left one and recovered it itself.
func (c *Case) carriesNoSign(witness View) *Sight {
	acted, err := c.observe(witness, evidence.Act, pageCache)
	if err != nil {
		return &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot have recovered anything: %s %v", witness.Vantage, err)}
	}
	if acted.State != evidence.Seen {
		return &Sight{Outcome: NoTruth, Reason: "no sign could be left in the node's page cache: " + why(acted)}
	}
	warmed, okWarmed := signIn(acted, "warmed")
	recovered, okRecovered := signIn(acted, "recovered")
	if !okWarmed || !okRecovered {
		return &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot have recovered anything: %s does not say which pages it read", witness.Vantage)}
	}
	if astray := apart(warmed, recovered); astray > 0 {
		left, _ := acted.Values.Number("left_in_memory")
		return &Sight{Outcome: NoTruth, Reason: fmt.Sprintf("the node's page cache cannot carry a sign: %d of %d pages were not as the witness left them, and %d pages of the file had stayed when it asked the kernel to let go of them (image layers in memory or in use)",
			astray, pagesInSign, left)}
	}
	return nil
}

// recovers compares the sign that one vantage left with what another found in the
// second look.
func (c *Case) recovers(seen, from View, region string) Sight {
	acted, err := c.observe(from, evidence.Act, pageCache)
	if err != nil {
		return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: %s %v", from.Vantage, err)}
	}
	if acted.State != evidence.Seen {
		return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("%s left no sign in its page cache: %s", from.Vantage, why(acted))}
	}
	looked, err := c.observe(seen, evidence.LookAgain, pageCache)
	if err != nil {
		return Sight{Outcome: Unknown, Reason: err.Error()}
	}
	if done := notSeen(looked); done != nil {
		return *done
	}
	left, okLeft := signIn(acted, "warmed")
	found, okFound := signIn(looked, region)
	if !okLeft || !okFound {
		return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: the pages of %s were not all told", from.Vantage)}
	}
	astray := apart(left, found)
	sight := Sight{Outcome: Undetected, Readings: []Reading{{
		Name: "pages of " + string(from.Vantage), Truth: fmt.Sprintf("%016x", left), Seen: fmt.Sprintf("%016x", found), Match: astray <= pagesAstray,
	}}}
	switch {
	case astray <= pagesAstray:
		sight.Outcome = Detected
		sight.Reason = fmt.Sprintf("recovers from its page cache which pages %s read (%d of %d differ)", from.Vantage, astray, pagesInSign)
	case bits.OnesCount64(found) == pagesInSign:
		// A kernel that gives the answer to nobody says that everything is in
		// memory: gVisor always, Linux to those who may not write the file.
		sight.Outcome = AbsentThere
		sight.Reason = "is told that every page is in memory, as by a kernel that does not say which are"
	case found == 0:
		sight.Reason = "has none of the pages in the memory of its kernel"
	default:
		sight.Reason = fmt.Sprintf("finds other pages in the memory of its kernel than %s read (%d of %d differ)", from.Vantage, astray, pagesInSign)
	}
	return sight
}

func signIn(o evidence.Observation, reading string) (uint64, bool) {
	text, ok := o.Values.Text(reading)
	sign, err := strconv.ParseUint(text, 16, 64)
	return sign, ok && err == nil
}

// apart counts the pages in which two signs differ.
func apart(a, b uint64) int { return bits.OnesCount64(a ^ b) }
