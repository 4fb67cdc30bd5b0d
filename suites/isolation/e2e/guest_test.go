//go:build e2e

// Package e2e judges a true virtual machine: Debian's kernel under QEMU, with
// the probe as its init, against the machine that the test runs on.
package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/command"
	"github.com/katacert/katacert/fixtures/vm"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/isolation"
	"github.com/katacert/katacert/suites/judge"
)

// expected holds, by control, every verdict that a true virtual machine may get
// here. Where there are two, the second depends on the machine under the test.
var expected = map[string][]judge.Result{
	"hypervisor-cpuid":      {judge.NotApplicable},
	"kernel-vmcoreinfo":     {judge.Pass, judge.NotApplicable}, // kernels without crash dumps
	"kernel-cmdline":        {judge.Pass, judge.NotApplicable}, // a short command line
	"kernel-release":        {judge.Pass, judge.NotApplicable}, // a node with Debian's own kernel
	"kernel-vdso-build-id":  {judge.Pass, judge.NotApplicable},
	"kernel-notes-build-id": {judge.Pass, judge.NotApplicable},
	"blk-serial":            {judge.Pass, judge.NotApplicable}, // disks without identifiers
	"blk-loop-canary":       {judge.Pass, judge.NotApplicable}, // no loop devices
	"sys-dmi":               {judge.Pass, judge.NotApplicable}, // machines without firmware tables
	"sys-pci-topology":      {judge.Pass, judge.NotApplicable},
	"dev-kvm-vhost-vfio":    {judge.Pass, judge.NotApplicable},
	"cgroup-count":          {judge.Pass, judge.NotApplicable},
	// The machine's own processes stand in for pods: nothing of theirs is mounted
	// as overlay, no container runtime may run, and the guest's only process is
	// its init, which has every privilege.
	"fs-overlay-paths":  {judge.NotApplicable, judge.Pass},
	"fs-runtime-socket": {judge.Invalid, judge.Pass},
	"priv-posture":      {judge.Fail},
	"priv-masked-paths": {judge.Fail},
	"blk-guest-root":    {judge.Fail},
	"dev-mem-kcore":     {judge.Pass, judge.NotApplicable}, // machines that hide their memory from root
	"dev-set":           {judge.Pass, judge.NotApplicable}, // machines with few devices
	// There is neither an image with a file of pages nor a witness's volume.
	"kernel-page-cache": {judge.NotApplicable},
	"fs-open-by-handle": {judge.NotApplicable},
	// Nor are there volumes of pods, or mounts of the machine's in a process's own
	// place.
	"fs-share-symlink": {judge.Invalid},
	"fs-procsys-link":  {judge.Invalid},
	"fs-special-files": {judge.NotApplicable},
	"fs-ro-volume":     {judge.NotApplicable},
	// It takes the ones above together, of which some are not shown here.
	"priv-guest-root": {judge.Invalid},
	// The guest has cgroups of version 2 alone, if any.
	"fs-release-agent": {judge.NotApplicable},
}

// TestTrueVirtualMachine lets the isolation controls judge a guest kernel: what
// they call isolated must be what a hypervisor isolates.
func TestTrueVirtualMachine(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	// Who a process on the machine reaches by its network is not asked.
	controls := slices.DeleteFunc(isolation.Controls(), func(c catalogue.Control) bool { return c.Group == catalogue.Network })
	weaknesses, optIn := map[string]bool{}, []string{}
	for _, c := range controls {
		optIn = append(optIn, c.OptIn...)
		if c.Rule != nil {
			if weakness, ok := c.Rule.Control.Weakness(); ok {
				weaknesses[weakness] = true
			}
		}
	}
	options := vm.SessionOptions{Guest: vm.Options{Probe: buildProbe(t), Progress: os.Stderr}, Run: "judged-guest", OptIn: slices.Compact(slices.Sorted(slices.Values(optIn)))}
	for weakness := range weaknesses {
		options.Weaknesses = append(options.Weaknesses, weakness)
	}
	records, err := vm.Session(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := catalogue.JudgeAll(controls, judge.Gather(records))
	for _, c := range controls {
		v := verdicts[c.ID]
		t.Logf("%-24s %-14s %s", c.ID, v.Result, v.Reason)
		allowed, special := expected[c.ID]
		if !special {
			allowed = []judge.Result{judge.Pass}
		}
		if !slices.Contains(allowed, v.Result) {
			t.Errorf("control %s: %s (%s), expected one of %v", c.ID, v.Result, v.Reason, allowed)
		}
	}
	requireOfRoot(t, controls, judge.Gather(records))
}

// requireOfRoot asks the controls again for the guest's root, one by one: what the
// machine cannot show able to fail is left out here, and makes priv-guest-root
// invalid.
func requireOfRoot(t *testing.T, controls []catalogue.Control, from judge.Evidence) {
	t.Helper()
	asked := 0
	for _, c := range controls {
		ordinary := c.Rule != nil && !c.Rule.RecordOnly && !c.Rule.Expects && c.Rule.Subject == "" && c.Level == catalogue.Isolation
		if !ordinary || c.Group == catalogue.Filesystem || c.ID == "dev-kvm-vhost-vfio" || c.ID == "blk-guest-root" {
			continue
		}
		rule := *c.Rule
		rule.Subject = evidence.GuestRoot
		v := judge.Judge(rule, from)
		if v.Result != judge.Pass && v.Result != judge.NotApplicable {
			t.Errorf("control %s for the guest's root: %s (%s)", c.ID, v.Result, v.Reason)
		}
		if v.Result == judge.Pass {
			asked++
		}
	}
	if asked < 12 {
		t.Errorf("the guest's root was cleared by %d controls only", asked)
	}
}

func buildProbe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "probe")
	_, err := command.Run(t.Context(), command.Command{
		Argv: []string{"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", path, "github.com/katacert/katacert/cmd/probe"},
		Env:  append(os.Environ(), "CGO_ENABLED=0"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}
