package certification

import (
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
)

func TestCatalogueIsSound(t *testing.T) {
	if faults := catalogue.Validate(Catalogue()); len(faults) > 0 {
		t.Error(errors.Join(faults...))
	}
	for _, group := range catalogue.Groups() {
		if !slices.ContainsFunc(Catalogue(), func(c catalogue.Control) bool { return c.Group == group }) {
			t.Errorf("group %s has no control", group)
		}
	}
}

// Every vantage that a control asks for is one that a pod can be made for.
func TestEveryVantageHasAPod(t *testing.T) {
	for _, c := range Catalogue() {
		for _, v := range c.Vantages() {
			weakness, weakened := v.Weakness()
			annotation, annotated := v.Annotation()
			switch {
			case annotated && pods.AnnotationKey(annotation) != "":
			case weakened && slices.Contains(pods.Weaknesses(), pods.Weakness(weakness)):
			case slices.Contains([]evidence.Vantage{evidence.Reference, evidence.Subject, evidence.Neighbour, evidence.GuestRoot,
				evidence.SubjectSuccessor, evidence.NeighbourSuccessor, evidence.Trainer, evidence.TrainerReference, evidence.TrainerBlock,
				evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUReference, evidence.GPUUnrequested, evidence.GPUSuccessor, evidence.GPUSurvivor}, v):
			default:
				t.Errorf("control %s needs vantage %q, for which there is no pod", c.ID, v)
			}
		}
	}
}

func TestRunIDsSortByTimeAndDiffer(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.FixedZone("", 7200))
	first, second, later := NewRunID(now), NewRunID(now), NewRunID(now.Add(time.Second))
	if first == second || first >= later || !regexp.MustCompile(`^20260701-100000-[0-9a-f]{8}$`).MatchString(first) {
		t.Errorf("run ids %s, %s and a second later %s", first, second, later)
	}
	if pods.LabelValue(first) != first {
		t.Errorf("run id %s is no label", first)
	}
}
