package access

import (
	"fmt"
	"maps"
	"slices"

	"github.com/katacert/katacert/probes/evidence"
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

// Extras are what a run does besides its controls, because its user wants it.
type Extras struct {
	// Secret is the pull secret (--image-pull-secret); empty where there is none.
	Secret Secret
	// Script says that an image of the user's trains (--training-image).
	Script bool
}

// Needs lists what a run of the controls does with permissions, sorted.
func Needs(controls []catalogue.Control, extras Extras) []Need {
	needs := map[Need]bool{EveryRun: true, PullSecret: extras.Secret != (Secret{}), Script: extras.Script}
	for _, c := range controls {
		if c.NeedsTenants {
			needs[Accounts], needs[Volumes] = true, true
		}
		if c.NeedsTraining {
			needs[Volumes], needs[Training] = true, true
		}
		if slices.Contains(c.Vantages(), evidence.GPUSuccessor) {
			needs[GPUs] = true
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
func For(controls []catalogue.Control, extras Extras) []Permission {
	needs := Needs(controls, extras)
	return distinct(slices.DeleteFunc(all(extras), func(p Permission) bool { return !slices.Contains(needs, p.Need) }))
}

// Controls lists the controls that take a need, by id; none for EveryRun, which
// all take.
func Controls(need Need, all []catalogue.Control) []string {
	var ids []string
	if need == EveryRun {
		return nil
	}
	for _, c := range all {
		if slices.Contains(Needs([]catalogue.Control{c}, Extras{}), need) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
