package network

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// No frame is forged on the network of the node itself.
func TestNoForgedFramesOnTheNodesNetwork(t *testing.T) {
	o := rawFrame(&probes.Context{Vantage: evidence.Subject, Params: map[string]string{probes.ParamNodeIP: "127.0.0.1"}})
	if o.State != evidence.Absent || !strings.Contains(o.Detail, "the node's own network") {
		t.Errorf("%+v", o)
	}
	for v, want := range map[evidence.Vantage]bool{
		evidence.Subject: true, evidence.Weakened("net-raw"): true,
		evidence.Witness: false, evidence.Weakened("host-network"): false, evidence.Reference: false,
	} {
		if forgesFrames(v) != want {
			t.Errorf("%s forges frames: %v, want %v", v, !want, want)
		}
	}
}
