package reports_test

import (
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

func TestVersionsAreSaidOnce(t *testing.T) {
	target := reports.Target{Parts: []reports.Part{
		{Role: "shim", Version: "4.1.0"}, {Role: "hypervisor", Version: "11.0.1"}, {Role: "hypervisor", Version: "11.0.1"},
		{Role: "firmware"}, {Role: "kernel", Version: "6.18.35"},
	}}
	if got := target.Versions(); got != "shim 4.1.0, hypervisor 11.0.1, guest kernel 6.18.35" {
		t.Errorf("got %q", got)
	}
	if got := (reports.Target{}).Versions(); got != "" {
		t.Errorf("of another runtime: %q", got)
	}
}

func TestNoPartsWithoutEvidence(t *testing.T) {
	if parts := reports.PartsOf(judge.Gather(nil)); parts != nil {
		t.Errorf("got %+v", parts)
	}
}

func TestPlatformsAreToldApartByTheirParts(t *testing.T) {
	r := &reports.Report{}
	for _, version := range []string{"11.0.1", "11.0.1", "10.2.1"} {
		r.Targets = append(r.Targets, reports.Target{Parts: []reports.Part{{Role: "hypervisor", Version: version}}})
	}
	if all := r.Platforms(); len(all) != 2 || len(all[0].IDs) != 2 {
		t.Errorf("got %+v", all)
	}
}
