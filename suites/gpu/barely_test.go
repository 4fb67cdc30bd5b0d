package gpu

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Whoever looked through a part of a GPU's memory only has not shown that nothing is
// left in it.
func TestResidueIsLookedForInMostOfTheMemory(t *testing.T) {
	control, err := catalogue.Find(Controls(), "gpu-memory-residue")
	if err != nil {
		t.Fatal(err)
	}
	recording, err := recordings.Find(recordings.GPUsOfTheHost)
	if err != nil {
		t.Fatal(err)
	}
	for scanned, want := range map[string]judge.Result{"scanned=80530636800": judge.Pass, "scanned=4096": judge.Error} {
		records, err := recording.Records()
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			for _, o := range record.Observations {
				lines, _ := o.Values.List("gpus")
				if record.Vantage != evidence.GPUSurvivor || o.Probe != "gpu-residue" {
					continue
				}
				lines = slices.Clone(lines)
				for i := range lines {
					lines[i] = strings.Replace(lines[i], "scanned=80530636800", scanned, 1)
				}
				o.Values["gpus"] = evidence.List(lines...)
			}
		}
		if got := control.Judge(judge.Gather(records)); got.Result != want {
			t.Errorf("%s: %s (%s), want %s", scanned, got.Result, got.Reason, want)
		}
	}
}
