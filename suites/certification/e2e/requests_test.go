//go:build e2e

package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

// requestSlack is by how many requests two runs may differ that do the same: a
// watch that the API server ends is begun again.
const requestSlack = 2

// What a target costs the API server depends on its pods and not on how many
// controls look from them.
func TestRequestsDoNotGrowWithControls(t *testing.T) {
	useCluster(t)
	var ids []string
	for _, c := range certification.Catalogue() {
		if slices.Equal(c.Vantages(), []evidence.Vantage{evidence.Reference, evidence.Subject}) && c.In(catalogue.Quick) {
			ids = append(ids, regexp.QuoteMeta(c.ID))
		}
	}
	few, many := onlyControls(t, ids[:2]), onlyControls(t, ids)
	if len(many.report.Controls) < 5*len(few.report.Controls) {
		t.Fatalf("%d and %d controls do not tell anything", len(few.report.Controls), len(many.report.Controls))
	}
	// One record is one exec, but for the one that the API server gives.
	one, other := len(readEvidence(t, few.dir)), len(readEvidence(t, many.dir))
	if one != other {
		t.Errorf("%d controls took %d execs, %d took %d", len(few.report.Controls), one, len(many.report.Controls), other)
	}
	if grown := many.report.Targets[0].APIRequests - few.report.Targets[0].APIRequests; grown > requestSlack {
		t.Errorf("%d controls took %d requests, %d took %d more", len(few.report.Controls), few.report.Targets[0].APIRequests, len(many.report.Controls), grown)
	}
	logCost(t, few)
	logCost(t, many)
}

func onlyControls(t *testing.T, ids []string) certified {
	t.Helper()
	run := certify(t, onCluster("--runtime-class", "gvisor", "--profile", "quick", "--controls", "^("+strings.Join(ids, "|")+")$")...)
	run.requireCode(t, 0)
	return run
}
