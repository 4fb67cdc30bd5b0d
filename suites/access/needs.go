package access

import (
	"fmt"
	"maps"
	"slices"

	"github.com/katacert/katacert/suites/catalogue"
)

// asks says what each question takes that controls have katacert ask as somebody
// else (catalogue.Control.Asks).
var asks = map[string][]Need{
	"admission":         {Accounts, Controllers},
	"anonymous":         {Accounts},
	"class-choice":      {Accounts, Controllers},
	"kubelet-anonymous": {Kubelet},
	"rights":            {Accounts, Rights},
	"tenant-reads":      {Accounts},
}

// Needs lists what a run of the controls does with permissions, sorted.
func Needs(controls []catalogue.Control, secret Secret) []Need {
	needs := map[Need]bool{EveryRun: true, PullSecret: secret != (Secret{})}
	for _, c := range controls {
		if c.NeedsTenants {
			needs[Accounts], needs[Volumes] = true, true
		}
		if c.NeedsTraining {
			needs[Volumes], needs[Training] = true, true
		}
		for _, question := range c.Asks {
			takes, known := asks[question]
			if !known {
				panic(fmt.Sprintf("suites/access does not know what question %q of control %s takes", question, c.ID))
			}
			for _, need := range takes {
				needs[need] = true
			}
		}
	}
	maps.DeleteFunc(needs, func(_ Need, does bool) bool { return !does })
	return slices.Sorted(maps.Keys(needs))
}

// For lists the permissions that a run of the controls needs.
func For(controls []catalogue.Control, secret Secret) []Permission {
	needs := Needs(controls, secret)
	return distinct(slices.DeleteFunc(all(secret), func(p Permission) bool { return !slices.Contains(needs, p.Need) }))
}

// Controls lists the controls that take a need, by id; none for EveryRun, which
// all take.
func Controls(need Need, all []catalogue.Control) []string {
	var ids []string
	if need == EveryRun {
		return nil
	}
	for _, c := range all {
		if slices.Contains(Needs([]catalogue.Control{c}, Secret{}), need) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
