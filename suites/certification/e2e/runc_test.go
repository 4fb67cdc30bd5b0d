//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// A "sandbox" that is plain runc is not certified: every reading of the kernel
// that the node has is the node's own.
func TestCertifyRunc(t *testing.T) {
	useCluster(t)
	key, public := signingKey(t)
	run := certify(t, onCluster("--profile", "quick", "--runtime-class", "runc", "--signing-key", key)...)
	run.requireCode(t, 1)
	r := run.report
	if r.Outcome != reports.NotCertified {
		t.Errorf("outcome %s, want %s", r.Outcome, reports.NotCertified)
	}
	requireOneTarget(t, r, "runc", reports.Runtime{Kind: judge.KindNone, Shim: "containerd-shim-runc-v2"})
	requireNotice(t, r, "RuntimeClass runc runs plain containers: there is no sandbox.")
	states := witnessStates(t, run.dir)
	probes := map[string]string{
		"kernel-boot-id": "boot-id", "kernel-boot-time": "boot-time", "kernel-counters": "counters",
		"kernel-vmcoreinfo": "vmcoreinfo", "kernel-vdso-build-id": "vdso", "kernel-notes-build-id": "kernel-notes",
		"kernel-release": "uname", "kernel-cmdline": "cmdline",
	}
	seen := 0
	for _, v := range r.Verdicts {
		switch probe, kernel := probes[v.Control]; {
		case v.Result == judge.Error:
			t.Errorf("control %s is an error: %s", v.Control, v.Reason)
		case v.Result == judge.Invalid:
			t.Errorf("control %s was not shown able to fail: %s", v.Control, v.Reason)
		case kernel && states[probe] != evidence.Seen:
			absent(nodeHasNone).require(t, v)
		case kernel:
			seen++
			requireDetected(t, v)
		case v.Control == "tenant-kernel", v.Control == "runtimeclass-handler", v.Control == "vm-binding":
			requireDetected(t, v)
		}
		if strings.HasPrefix(v.Control, "kernel-") && probes[v.Control] == "" {
			t.Errorf("this test does not know control %s", v.Control)
		}
	}
	if seen < len(probes)-2 {
		t.Errorf("the node has only %d of %d kernel readings", seen, len(probes))
	}
	requireFiles(t, run.dir, r)
	requireVerified(t, run.dir, public)
	requireTampersNamed(t, run.dir, public)
	requireTexts(t, run.stdout, "NOT CERTIFIED", "kernel-boot-id")
	requireNoNamespaces(t)
	logCost(t, run)
}

// requireDetected checks that a control failed because the subject, like the
// control vantage, was seen to have what the node has, side by side.
func requireDetected(t *testing.T, v reports.Verdict) {
	t.Helper()
	if v.Result != judge.Fail {
		t.Errorf("control %s came to %s (%s), want a fail", v.Control, v.Result, v.Reason)
		return
	}
	if strings.Contains(v.Reason, "the control vantage") {
		t.Errorf("control %s: the control vantage did not detect: %s", v.Control, v.Reason)
	}
	i := slices.IndexFunc(v.Compared, func(c judge.Comparison) bool { return c.Match })
	if i < 0 {
		t.Errorf("control %s failed without a reading that is the node's: %+v", v.Control, v.Compared)
		return
	}
	c := v.Compared[i]
	if c.Truth == "" || c.Subject == "" || c.Control == "" {
		t.Errorf("control %s does not show node, control and subject side by side: %+v", v.Control, c)
	}
	if equal := []string{"boot_id", "build_id", "sha256", "release", "version", "address"}; slices.Contains(equal, c.Reading) && (c.Truth != c.Subject || c.Truth != c.Control) {
		t.Errorf("control %s: the readings are not equal: %+v", v.Control, c)
	}
}

// witnessStates are the states of what the witness read in the first round.
func witnessStates(t *testing.T, dir string) map[string]evidence.State {
	t.Helper()
	states := map[string]evidence.State{}
	for _, record := range readEvidence(t, dir) {
		if record.Vantage == evidence.Witness && record.Round == evidence.Look {
			for _, o := range record.Observations {
				states[o.Probe] = o.State
			}
		}
	}
	return states
}
