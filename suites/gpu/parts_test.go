package gpu

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// divided is the sound node whose first tenant is given a part of its GPU (MIG): the
// part has a UUID of its own, and the device node that opens is the whole GPU's.
func divided(t *testing.T, given, has string) []evidence.Record {
	t.Helper()
	of := slices.IndexFunc(recordings.All(), func(r recordings.Recording) bool { return r.Name == recordings.GPUsOfTheHost })
	records := ofRecording(t, recordings.All()[of])
	whole := uuid(0)
	for _, record := range records {
		for _, o := range record.Observations {
			switch {
			case o.Probe == "gpu-allocations":
				allocated, _ := o.Values.List("allocated")
				for i := range allocated {
					allocated[i] = strings.Replace(allocated[i], "id="+whole, "id="+given, 1)
				}
				o.Values["allocated"] = evidence.List(allocated...)
			case record.Vantage != evidence.GPUSubject || record.Round != evidence.Look:
			case o.Probe == "gpu-cuda-devices":
				o.Values["uuids"] = evidence.List(strings.Replace(has, "MIG-", "GPU-", 1)) // as CUDA tells it
			case o.Probe == "gpu-nvml":
				o.Values["parts"] = evidence.List("uuid=" + has + " of=" + whole + " gpu_instance=7 compute_instance=0")
			}
		}
	}
	return records
}

// A tenant with a part of a GPU has what the kubelet gave, though it opens the node of
// the whole one; a tenant with another part has not.
func TestPartsOfGPUs(t *testing.T) {
	const part, other = "MIG-5cb8a4f0-1111-5222-8333-000000000001", "MIG-5cb8a4f0-1111-5222-8333-000000000002"
	if v := judged(divided(t, part, part))["gpu-allocation"]; v.Result != judge.Pass {
		t.Errorf("its own part: %s (%s)", v.Result, v.Reason)
	}
	if v := judged(divided(t, part, other))["gpu-allocation"]; v.Result != judge.Fail {
		t.Errorf("another part: %s (%s)", v.Result, v.Reason)
	}
}
