package catalogue_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

func plain() *scene.Scene   { return scene.Whole(scene.ShimRunc, scene.Node()) }
func machine() *scene.Scene { return scene.Whole(scene.ShimKata, scene.Guest()) }
func twin() *scene.Scene    { return scene.Whole(scene.ShimKata, scene.SameBuild()) }

func judgeAll(s *scene.Scene) map[string]judge.Verdict {
	return catalogue.JudgeAll(controls(), s.Evidence())
}

// recorded are the controls that are never judged.
var recorded = []string{"hypervisor-cpuid", "cpu-mitigations"}

func TestAMachineOfItsOwnPasses(t *testing.T) {
	for id, v := range judgeAll(machine()) {
		want := judge.Pass
		if slices.Contains(recorded, id) {
			want = judge.NotApplicable
		}
		if v.Result != want {
			t.Errorf("%s: %s (%s), want %s", id, v.Result, v.Reason, want)
		}
	}
}

// sharedAnyway are controls of what two pods on one kernel share, which another
// vantage than the reference must detect.
var sharedAnyway = []string{"tenant-page-cache", "rng-distinct", together, "dev-set", "dev-mem-kcore", "sysctl-bleed", "fs-ro-volume", "fs-core-pattern"}

// together is the control that takes the verdicts of others together: where the
// interface of one does not exist, the rest still speaks.
const together = "priv-guest-root"

// A RuntimeClass with plain runc behind it.
func TestPlainRuncFails(t *testing.T) {
	verdicts := judgeAll(plain())
	for _, c := range controls() {
		v := verdicts[c.ID]
		sharesKernel := c.Rule != nil && !c.Rule.RecordOnly && c.Rule.Control == evidence.Reference &&
			c.Group != catalogue.Network && c.Group != catalogue.VMM || slices.Contains(sharedAnyway, c.ID)
		switch {
		case sharesKernel && v.Result != judge.Fail:
			t.Errorf("%s: %s (%s), want fail", c.ID, v.Result, v.Reason)
		case sharesKernel && len(v.Compared) == 0:
			t.Errorf("%s fails without anything to compare", c.ID)
		case !sharesKernel && v.Result == judge.Fail:
			// A plain container has no monitor. Namespaces, privilege and network policies hold in a plain container too.
			t.Errorf("%s: fail (%s)", c.ID, v.Reason)
		}
	}
}

func TestHostAndGuestAreShownSideBySide(t *testing.T) {
	for _, s := range []*scene.Scene{plain(), machine()} {
		for id, v := range judgeAll(s) {
			if !strings.HasPrefix(id, "kernel-") {
				continue
			}
			if !slices.ContainsFunc(v.Compared, func(c judge.Comparison) bool { return c.Truth != "" && c.Control != "" && c.Subject != "" }) {
				t.Errorf("%s: %s with %+v", id, v.Result, v.Compared)
			}
		}
	}
}

var builds = []string{"kernel-vdso-build-id", "kernel-notes-build-id", "kernel-release"}

func TestTheSignalsAreMarked(t *testing.T) {
	var instance, build []string
	for _, c := range controls() {
		switch c.Signal {
		case catalogue.Instance:
			instance = append(instance, c.ID)
		case catalogue.Build:
			build = append(build, c.ID)
		}
	}
	if !slices.Equal(build, builds) || !slices.Equal(instance, []string{"kernel-boot-id", "kernel-boot-time", "kernel-counters", "kernel-vmcoreinfo", "kernel-page-cache"}) {
		t.Errorf("instance signals %v, build signals %v", instance, build)
	}
}

// A guest that runs the node's own build of a kernel is no fail.
func TestSameBuildIsNotTheSameKernel(t *testing.T) {
	for id, v := range judgeAll(twin()) {
		switch {
		case slices.Contains(builds, id):
			if v.Result != judge.NotApplicable || !strings.Contains(v.Reason, "guest and node run the same kernel build") ||
				!strings.Contains(v.Reason, "kernel-boot-id") || !strings.Contains(v.Reason, "kernel-counters") {
				t.Errorf("%s: %s (%s)", id, v.Result, v.Reason)
			}
			if len(v.Compared) == 0 || len(v.Rests) == 0 {
				t.Errorf("%s lost its grounds: %+v", id, v)
			}
		case slices.Contains(recorded, id):
		case v.Result != judge.Pass:
			t.Errorf("%s: %s (%s), want pass", id, v.Result, v.Reason)
		}
	}
}

// roundOf is the round whose reading decides.
func roundOf(probe string) evidence.Round {
	if probe == "page-cache" {
		return evidence.LookAgain
	}
	return evidence.Look
}

// What excuses equal builds: at least two instance signals that show two
// kernels, and none that shows one.
func TestWhatExcusesEqualBuilds(t *testing.T) {
	node := scene.Node()
	set := func(probe, reading string, value evidence.Value) func(*scene.Scene) {
		return func(s *scene.Scene) { s.Set(evidence.Subject, evidence.Look, probe, reading, value) }
	}
	lose := func(probes ...string) func(*scene.Scene) {
		return func(s *scene.Scene) {
			for _, probe := range probes {
				s.Forget(evidence.Subject, roundOf(probe), probe)
			}
		}
	}
	absent := func(probes ...string) func(*scene.Scene) {
		return func(s *scene.Scene) {
			for _, probe := range probes {
				s.Got(evidence.Subject, roundOf(probe), probe, evidence.Absent, "")
			}
		}
	}
	for _, test := range []struct {
		name   string
		change func(*scene.Scene)
		want   judge.Result
	}{
		{"all five show two kernels", func(*scene.Scene) {}, judge.NotApplicable},
		{"two do, the others are not there", absent("counters", "vmcoreinfo", "page-cache"), judge.NotApplicable},
		{"two do, the others are lost", lose("counters", "vmcoreinfo", "page-cache"), judge.NotApplicable},
		{"one does", absent("counters", "vmcoreinfo", "page-cache", "boot-time"), judge.Fail},
		{"none is there", absent("counters", "vmcoreinfo", "page-cache", "boot-time", "boot-id"), judge.Fail},
		{"all are lost", lose("counters", "vmcoreinfo", "page-cache", "boot-time", "boot-id"), judge.Fail},
		{"four do, the boot id is the node's", set("boot-id", "boot_id", evidence.Text(node.BootID)), judge.Fail},
		{"four do, the address is the node's", set("vmcoreinfo", "address", evidence.Text(node.Address)), judge.Fail},
		{"four do, the boot time is the node's", set("boot-time", "boot_epoch_ns", evidence.Number(node.BootNanos)), judge.Fail},
		{"the control vantage was blind", func(s *scene.Scene) {
			for _, probe := range []string{"boot-id", "boot-time", "vmcoreinfo", "counters", "page-cache"} {
				s.Got(evidence.Reference, roundOf(probe), probe, evidence.Absent, "")
			}
		}, judge.Fail},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := twin()
			test.change(s)
			verdicts := judgeAll(s)
			for _, id := range builds {
				if v := verdicts[id]; v.Result != test.want {
					t.Errorf("%s: %s (%s), want %s", id, v.Result, v.Reason, test.want)
				}
			}
		})
	}
}

// Instance signals never excuse anything but builds.
func TestOnlyBuildsAreExcused(t *testing.T) {
	s := twin().Set(evidence.Subject, evidence.Look, "dmi", "product_uuid", evidence.Text(scene.Node().UUID))
	if v := judgeAll(s)["sys-dmi"]; v.Result != judge.Fail {
		t.Errorf("the node's product UUID in a guest: %s (%s), want fail", v.Result, v.Reason)
	}
}

// Every control that passes stands on all of its evidence: whatever record it
// rests on is lost, cut off or doubled, it does not pass any more.
func TestNoPassWithoutItsEvidence(t *testing.T) {
	for _, c := range controls() {
		whole := c.Judge(machine().Evidence())
		if slices.Contains(recorded, c.ID) {
			continue
		}
		if whole.Result != judge.Pass || len(whole.Rests) == 0 {
			t.Errorf("%s: %s (%s), want a pass that rests on something", c.ID, whole.Result, whole.Reason)
		}
		for _, basis := range whole.Rests {
			if c.ID == "vm-binding" && basis.Probe == "shims" {
				continue // it only tells whether there is a VMM to be bound to
			}
			for name, spoil := range map[string]func(*scene.Scene){
				"dropped":    func(s *scene.Scene) { s.Drop(basis.Vantage, basis.Round) },
				"untrusted":  func(s *scene.Scene) { s.Break(basis.Vantage, basis.Round, "the nonce does not match") },
				"doubled":    func(s *scene.Scene) { s.Repeat(basis.Vantage, basis.Round) },
				"not run":    func(s *scene.Scene) { s.Forget(basis.Vantage, basis.Round, basis.Probe) },
				"failed":     func(s *scene.Scene) { s.Got(basis.Vantage, basis.Round, basis.Probe, evidence.Failed, "EIO") },
				"not there":  func(s *scene.Scene) { s.Got(basis.Vantage, basis.Round, basis.Probe, evidence.Absent, "") },
				"unreadable": func(s *scene.Scene) { s.Saw(basis.Vantage, basis.Round, basis.Probe, evidence.Values{}) },
			} {
				if c.ID == together && (name == "not there" || name == "unreadable") {
					continue
				}
				s := machine()
				spoil(s)
				got := c.Judge(s.Evidence())
				if got.Result == judge.Pass || got.Result == judge.Fail && basis.Vantage != evidence.Trainer {
					t.Errorf("%s with %s/%s/%s %s: %s (%s)", c.ID, basis.Vantage, basis.Round, basis.Probe, name, got.Result, got.Reason)
				}
			}
		}
	}
}

// No control passes unless its control vantage is shown to detect: the control
// vantage's evidence is replaced by the subject's own, probe by probe, and its
// sign is taken out of what others recorded.
func TestNoPassWithoutAControlThatDetects(t *testing.T) {
	for _, c := range controls() {
		if c.Rule == nil || c.Rule.RecordOnly || c.Rule.Control == evidence.Recording {
			continue // a recording is no part of the session; the self-test tries those
		}
		blind := scene.New()
		for _, r := range machine().Records() {
			if r.Vantage == c.Rule.Control {
				continue
			}
			for _, o := range r.Observations {
				if touched, ok := o.Values.List("touched"); ok {
					o.Values["touched"] = evidence.List(slices.DeleteFunc(slices.Clone(touched), func(line string) bool {
						return strings.HasSuffix(line, " "+scene.Nonce(c.Rule.Control, evidence.LookAgain))
					})...)
				}
				if sandboxes, ok := o.Values.List("sandboxes"); ok {
					all := strings.ReplaceAll(strings.Join(sandboxes, "\n"), scene.ShimRunc, scene.ShimKata)
					o.Values["sandboxes"] = evidence.List(strings.Split(all, "\n")...)
				}
				if counted, ok := o.Values["reference_overhead_bytes"]; ok && counted.String() == "0" {
					o.Values["reference_overhead_bytes"] = o.Values["subject_overhead_bytes"]
				}
				blind.Put(r.Vantage, r.Round, o)
				if r.Vantage == evidence.Subject {
					blind.Put(c.Rule.Control, r.Round, o)
				}
			}
		}
		got := c.Judge(blind.Evidence())
		if got.Result == judge.Pass || got.Result == judge.Fail {
			t.Errorf("%s with a blind control vantage: %s (%s)", c.ID, got.Result, got.Reason)
		}
	}
}

func TestNoEvidenceIsAnErrorForEveryControl(t *testing.T) {
	verdicts := judgeAll(scene.New())
	if len(verdicts) != len(controls()) {
		t.Errorf("%d verdicts for %d controls", len(verdicts), len(controls()))
	}
	for _, id := range slices.Sorted(maps.Keys(verdicts)) {
		if v := verdicts[id]; v.Result != judge.Error || v.Reason == "" {
			t.Errorf("%s: %s (%s), want error", id, v.Result, v.Reason)
		}
	}
}
