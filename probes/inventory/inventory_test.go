package inventory

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

func vantages() []evidence.Vantage {
	return []evidence.Vantage{evidence.Witness, evidence.Reference, evidence.Subject, evidence.Neighbour, evidence.Trainer, evidence.Weakened("host-pid")}
}

// takesPart says whether a probe would observe there.
func takesPart(p probes.Probe, v evidence.Vantage, r evidence.Round) bool {
	return slices.Contains(p.Rounds, r) && (p.From == nil || p.From(v))
}

// TestOneObservationEach holds that no vantage observes a probe twice in one
// round: the evidence would be refused.
func TestOneObservationEach(t *testing.T) {
	for _, v := range vantages() {
		for _, r := range evidence.Rounds() {
			seen := map[string]bool{}
			for _, p := range All() {
				if !takesPart(p, v, r) {
					continue
				}
				if seen[p.ID] {
					t.Errorf("probe %s observes twice at vantage %s in round %s", p.ID, v, r)
				}
				seen[p.ID] = true
			}
		}
	}
}

func TestEveryProbeIsWellFormed(t *testing.T) {
	for _, p := range All() {
		if p.ID == "" || strings.Trim(p.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%q is no probe id", p.ID)
		}
		if p.Observe == nil || len(p.Rounds) == 0 {
			t.Errorf("probe %s observes nothing", p.ID)
		}
		for _, r := range p.Rounds {
			if !slices.Contains(evidence.Rounds(), r) {
				t.Errorf("probe %s takes part in the unknown round %q", p.ID, r)
			}
		}
	}
}

// tenantsOwn says whether by this probe the tenants lay out what is theirs, or
// tell who came for it.
func tenantsOwn(p probes.Probe) bool {
	return strings.HasPrefix(p.ID, "tenant-") || p.ID == "page-cache" || p.ID == "listener-log"
}

// TestOnlyTheWitnessChangesTheNode holds that nobody else takes part in the
// rounds in which the node is changed, but for the tenants: they lay out their
// own data and tell who came to their listeners.
func TestOnlyTheWitnessChangesTheNode(t *testing.T) {
	for _, p := range All() {
		for _, v := range vantages() {
			for _, r := range []evidence.Round{evidence.Act, evidence.Settle} {
				if v != evidence.Witness && takesPart(p, v, r) && (!tenantsOwn(p) || !probes.OnlyTenants(v)) {
					t.Errorf("probe %s takes part at vantage %s in round %s", p.ID, v, r)
				}
			}
		}
	}
}

// TestPlantingComesFirst holds that what reads the node in the act round finds
// everything planted.
func TestPlantingComesFirst(t *testing.T) {
	for _, p := range All() {
		if takesPart(p, evidence.Witness, evidence.Act) {
			if p.ID != "plants" {
				t.Errorf("probe %s acts before anything is planted", p.ID)
			}
			return
		}
	}
	t.Error("nobody plants anything")
}
