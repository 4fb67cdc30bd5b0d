package kata

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

func TestFind(t *testing.T) {
	for name, test := range map[string]struct {
		scene  *scene.Scene
		change func(*scene.Scene)
		want   judge.Result
		says   string
	}{
		"kata":   {scene: scene.Whole(scene.ShimKata, scene.Guest())},
		"runc":   {scene: scene.Whole(scene.ShimRunc, scene.Node()), want: judge.NotApplicable, says: "containerd-shim-runc-v2 runs the subject: a plain container"},
		"gVisor": {scene: scene.Whole("containerd-shim-runsc-v1", scene.Guest()), want: judge.NotApplicable, says: "no Kata"},
		"the pod never ran": {scene: scene.Whole(scene.ShimKata, scene.Guest()), want: judge.Error, says: "no runtime is configured",
			change: func(s *scene.Scene) {
				for _, round := range []evidence.Round{evidence.Look, evidence.LookAgain} {
					s.Break(evidence.Subject, round, "the pod cannot start: no runtime is configured")
				}
				s.Saw(evidence.Witness, evidence.LookAgain, "shims", evidence.Values{"sandboxes": evidence.List()})
			}},
		"no answer of the API server": {scene: scene.Whole(scene.ShimKata, scene.Guest()), want: judge.Error, says: "api gave no evidence",
			change: func(s *scene.Scene) { s.Drop(evidence.API, evidence.Look) }},
		"no handler": {scene: scene.Whole(scene.ShimKata, scene.Guest()), want: judge.Error, says: "did not say the handler",
			change: func(s *scene.Scene) { s.Unset(evidence.API, evidence.Look, "runtimeclass", "handler") }},
		"nothing at all": {scene: scene.New(), want: judge.Error, says: "gave no evidence"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.change != nil {
				test.change(test.scene)
			}
			setup, ends := Find(judge.Open(test.scene.Evidence()))
			if test.want == "" {
				if ends != nil || setup.Handler != "kata" || setup.Sandbox.Shim != scene.ShimKata {
					t.Errorf("found %+v, %+v", setup, ends)
				}
				return
			}
			if ends == nil || ends.Result != test.want || !strings.Contains(ends.Reason, test.says) {
				t.Errorf("%+v, want %s because %q", ends, test.want, test.says)
			}
		})
	}
}
