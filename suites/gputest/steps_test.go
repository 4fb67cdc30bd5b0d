package gputest

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/gpu"
)

// TestProbesAreThoseOfGPUProbe holds what is known of gpu-probe by name to what it is.
func TestProbesAreThoseOfGPUProbe(t *testing.T) {
	want := []string{"gpu-nvml"} // of another package, with cgo
	for _, p := range gpu.Inventory() {
		if !p.OptIn {
			want = append(want, p.ID)
		}
	}
	got := slices.Sorted(slices.Values(roundProbes))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the probes of a round are %v, gpu-probe has %v", got, want)
	}
	if holdReady != gpu.HoldReady {
		t.Errorf("tenants are ready at %q, gpu-probe says %q", holdReady, gpu.HoldReady)
	}
	if progressPrefix != gpu.ProgressPrefix {
		t.Errorf("progress begins with %q, gpu-probe's with %q", progressPrefix, gpu.ProgressPrefix)
	}
	if left := strings.Join(only("gpu-nvml", "gpu-compute"), " "); strings.Contains(left, "gpu-nvml") || !strings.Contains(left, "--skip gpu-residue") {
		t.Errorf("left out is %q", left)
	}
}
