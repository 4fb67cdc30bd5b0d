package judge_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// effects of some annotations, by the name of the annotation.
var effects = map[string]judge.Effect{
	"kernel-params": judge.MarkOnCommandLine(), "default-memory": judge.Grew("mem_total_kib", 128<<10), "default-vcpus": judge.Grew("cpus", 1),
	"guest-seccomp": judge.LostSeccomp(), "disable-new-netns": judge.LostNetwork(), "path": judge.Opened(), "kernel-modules": judge.Spoken(),
}

// became says what became of the pod with one annotation, and what was said of it.
func became(name, rest, said string) func(*scene.Scene) {
	return func(s *scene.Scene) {
		s.Set(evidence.API, evidence.Look, "annotations", "asked", evidence.List("what="+name+" mark="+scene.Mark(name)+" "+rest))
		s.Set(evidence.API, evidence.Look, "annotations", "said", evidence.List("asked "+name+": "+said))
	}
}

// sees sets what the annotated pod sees.
func sees(name, probe, reading string, value evidence.Value) func(*scene.Scene) {
	return func(s *scene.Scene) { s.Set(evidence.Annotated(name), evidence.Trial, probe, reading, value) }
}

// touched sets which planted files were opened.
func touchedFiles(lines ...string) func(*scene.Scene) {
	return func(s *scene.Scene) {
		s.Set(evidence.Witness, evidence.Settle, "plants", "touched", evidence.List(lines...))
	}
}

func TestAnnotation(t *testing.T) {
	const notEnabled = "failed to create shim task: annotation io.katacontainers.config.hypervisor.x is not enabled"
	for _, test := range []struct {
		name, annotation string
		changes          []func(*scene.Scene)
		want             judge.Result
		says             string
	}{
		// Honoured.
		{"a kernel parameter arrives", "kernel-params", []func(*scene.Scene){became("kernel-params", "result=ran", ""), sees("kernel-params", "cmdline", "cmdline", evidence.Text("quiet katacert.mark="+scene.Mark("kernel-params")))}, judge.Fail, "katacert.mark="},
		{"the guest grows", "default-memory", []func(*scene.Scene){sees("default-memory", "load", "mem_total_kib", evidence.Number(3<<20))}, judge.Fail, "3145728, without the annotation 2097152"},
		{"the guest has another processor", "default-vcpus", []func(*scene.Scene){sees("default-vcpus", "load", "cpus", evidence.Number(2))}, judge.Fail, "cpus 2"},
		{"seccomp is gone", "guest-seccomp", []func(*scene.Scene){sees("guest-seccomp", "posture", "seccomp", evidence.Number(0))}, judge.Fail, "without the seccomp filter"},
		{"the interface is gone", "disable-new-netns", []func(*scene.Scene){sees("disable-new-netns", "links", "names", evidence.List())}, judge.Fail, "not in the pod's network"},
		{"the file is started, and the pod fails", "path", []func(*scene.Scene){became("path", "result=failed", "exec format error"), touchedFiles("called proof", "called path")}, judge.Fail, "opened the file"},
		{"the file is opened although the name is refused", "path", []func(*scene.Scene){became("path", "result=refused", notEnabled), touchedFiles("called proof", "called path")}, judge.Fail, "opened the file"},
		{"the agent names the module", "kernel-modules", []func(*scene.Scene){became("kernel-modules", "result=failed marked=yes", "modprobe: FATAL: Module katacert_x not found")}, judge.Fail, "modprobe"},
		// Refused, or without effect.
		{"refused by name", "kernel-params", []func(*scene.Scene){became("kernel-params", "result=refused", notEnabled)}, judge.Pass, "is refused: " + notEnabled},
		{"refused by name, nothing opened", "path", []func(*scene.Scene){became("path", "result=refused", notEnabled)}, judge.Pass, "is refused"},
		{"refused with the mark in the message", "kernel-modules", []func(*scene.Scene){became("kernel-modules", "result=refused marked=yes", "denied by policy: katacert_x")}, judge.Pass, "is refused"},
		{"ignored", "default-memory", nil, judge.Pass, "had no effect"},
		{"ignored, nothing opened", "path", nil, judge.Pass, "did not make the node open"},
		{"a guest that is a little larger", "default-memory", []func(*scene.Scene){sees("default-memory", "load", "mem_total_kib", evidence.Number(2<<20+1024))}, judge.Pass, "had no effect"},
		{"another's mark", "kernel-params", []func(*scene.Scene){became("kernel-params", "result=ran", ""), sees("kernel-params", "cmdline", "cmdline", evidence.Text("quiet katacert.mark=other"))}, judge.Pass, "has no mark"},
		// Nothing to take away.
		{"no seccomp in any guest", "guest-seccomp", []func(*scene.Scene){sees("guest-seccomp", "posture", "seccomp", evidence.Number(0)),
			func(s *scene.Scene) {
				s.Set(evidence.Subject, evidence.Trial, "posture", "seccomp", evidence.Number(0))
			}}, judge.NotApplicable, "nothing to take away"},
		// Not known.
		{"no room", "default-memory", []func(*scene.Scene){became("default-memory", "result=failed", "Unschedulable: Insufficient cpu")}, judge.Error, "Insufficient cpu"},
		{"an image that cannot be pulled", "path", []func(*scene.Scene){became("path", "result=failed", "ImagePullBackOff")}, judge.Error, "not because the annotation was refused: ImagePullBackOff"},
		{"an agent that fails for something else", "kernel-modules", []func(*scene.Scene){became("kernel-modules", "result=failed", "timed out connecting to vsock")}, judge.Error, "timed out"},
		{"something opens every file", "path", []func(*scene.Scene){touchedFiles("called proof", "called path", "called decoy")}, judge.Error, "opens every file"},
		{"the witness's own look went unnoticed", "path", []func(*scene.Scene){touchedFiles()}, judge.Error, "not known which files"},
		{"it was not tried", "kernel-params", []func(*scene.Scene){became("path", "result=ran", "")}, judge.Error, "was not tried"},
		{"the pod's evidence is lost", "default-vcpus", []func(*scene.Scene){func(s *scene.Scene) { s.Break(evidence.Annotated("default-vcpus"), evidence.Trial, "cut off") }}, judge.Error, "cut off"},
		{"the pod without annotation did not run", "kernel-params", []func(*scene.Scene){func(s *scene.Scene) { s.Break(evidence.Subject, evidence.Trial, "it is gone") }}, judge.Invalid, "it is gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scene.Whole(scene.ShimKata, scene.Guest())
			for _, change := range test.changes {
				change(s)
			}
			got := judge.Annotation(test.annotation, effects[test.annotation], honoured(test.annotation))(s.Evidence())
			if got.Result != test.want || !strings.Contains(got.Reason, test.says) {
				t.Errorf("%s (%s), want %s because %q", got.Result, got.Reason, test.want, test.says)
			}
			if !got.Shown || len(got.Rests) == 0 {
				t.Errorf("shown %t, rests on %v", got.Shown, got.Rests)
			}
		})
	}
}

// honoured is evidence in which an annotation has its effect.
func honoured(name string) judge.Evidence {
	s := scene.Whole(scene.ShimKata, scene.Guest())
	became(name, "result=ran marked=yes", "modprobe")(s)
	s.Saw(evidence.Annotated(name), evidence.Trial, "cmdline", evidence.Values{"cmdline": evidence.Text("katacert.mark=" + scene.Mark(name))})
	s.Saw(evidence.Annotated(name), evidence.Trial, "load", evidence.Values{"mem_total_kib": evidence.Number(4 << 20), "cpus": evidence.Number(4)})
	s.Saw(evidence.Annotated(name), evidence.Trial, "posture", evidence.Values{"seccomp": evidence.Number(0)})
	s.Saw(evidence.Annotated(name), evidence.Trial, "links", evidence.Values{"names": evidence.List()})
	touchedFiles("called proof", "called "+name)(s)
	return s.Evidence()
}

// Other runtimes know no annotations of Kata: nothing is tried, and nothing said.
func TestAnnotationsOfOtherRuntimes(t *testing.T) {
	for _, shim := range []string{scene.ShimRunc, "containerd-shim-runsc-v1"} {
		s := scene.Whole(shim, scene.Node())
		s.Got(evidence.API, evidence.Look, "annotations", evidence.Absent, "not tried")
		for name, effect := range effects {
			if got := judge.Annotation(name, effect, honoured(name))(s.Evidence()); got.Result != judge.NotApplicable || !strings.Contains(got.Reason, shim) {
				t.Errorf("%s under %s: %s (%s)", name, shim, got.Result, got.Reason)
			}
		}
	}
}

// A judge that would not find an effect passes nothing.
func TestNoAnnotationPassesWithoutAnEffectThatIsFound(t *testing.T) {
	s := scene.Whole(scene.ShimKata, scene.Guest())
	for name, effect := range effects {
		got := judge.Annotation(name, effect, s.Evidence())(s.Evidence())
		if got.Result == judge.Pass || got.Shown {
			t.Errorf("%s: %s (%s)", name, got.Result, got.Reason)
		}
	}
}
