package kata

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// layouts are the recorded nodes and the handlers on them.
var layouts = map[string]string{
	"kata-4.1-qemu-go": "kata-qemu", "kata-4.1-qemu-rs": "kata-qemu-runtime-rs", "kata-4.1-clh-go": "kata-clh", "kata-4.1-clh-rs": "kata-clh-runtime-rs",
	"kata-4.1-dragonball": "kata-dragonball", "kata-4.1-firecracker": "kata-fc", "kata-4.1-remote": "kata-remote",
	"kata-3.30-qemu": "kata-qemu", "kata-3.2-stratovirt": "kata",
}

// on is the evidence of a target whose node is laid out like the tree.
func onTree(t *testing.T, node tree, handler string) *scene.Scene {
	t.Helper()
	s := scene.Whole(scene.ShimKata, scene.Guest())
	s.Set(evidence.API, evidence.Look, "runtimeclass", "handler", evidence.Text(handler))
	for _, round := range []evidence.Round{evidence.Look, evidence.Settle} {
		observations, err := node.observe(handler, round)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range observations {
			s.Put(evidence.Witness, round, o)
		}
	}
	return s
}

func layout(t *testing.T, name string) tree {
	t.Helper()
	node, err := readTree(name)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func verdictsOf(s *scene.Scene) map[string]judge.Verdict {
	verdicts := map[string]judge.Verdict{}
	for _, c := range Controls() {
		verdicts[c.ID] = c.Judge(s.Evidence())
	}
	return verdicts
}

// Every layout is read, and no control is left without a verdict that was earned.
func TestEveryLayoutIsRead(t *testing.T) {
	for name, handler := range layouts {
		t.Run(name, func(t *testing.T) {
			for id, v := range verdictsOf(onTree(t, layout(t, name), handler)) {
				t.Logf("%s: %s, %s", id, v.Result, v.Reason)
				if v.Result == judge.Error || v.Result == judge.Invalid {
					t.Errorf("%s: %s (%s)", id, v.Result, v.Reason)
				}
				if v.Result == judge.Pass && !v.Shown {
					t.Errorf("%s passes and was not shown able to fail", id)
				}
			}
		})
	}
}

// A default Kata has exactly the findings that it is known for.
func TestFindingsOfDefaults(t *testing.T) {
	for name, want := range map[string][]string{
		"kata-4.1-qemu-go":    {"kata-config-annotations", "kata-config-guest-seccomp", "kata-config-rootless", "kata-config-sandbox-cgroup", "kata-config-static-resources", "kata-config-vmm-seccomp"},
		"kata-4.1-qemu-rs":    {"kata-config-annotations", "kata-config-guest-seccomp", "kata-config-rootless", "kata-config-vmm-seccomp"},
		"kata-4.1-clh-go":     {"kata-config-annotations", "kata-config-guest-seccomp", "kata-config-rootless", "kata-config-sandbox-cgroup", "kata-config-static-resources"},
		"kata-4.1-dragonball": {"kata-config-annotations", "kata-config-guest-seccomp"},
	} {
		var got []string
		for id, v := range verdictsOf(onTree(t, layout(t, name), layouts[name])) {
			if v.Result == judge.Fail && strings.HasPrefix(id, "kata-config-") {
				got = append(got, id)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: findings %q, want %q", name, got, want)
		}
	}
}

// What logs in elsewhere stays on the node.
func TestSecretsStayOnTheNode(t *testing.T) {
	for _, r := range onTree(t, layout(t, "kata-4.1-qemu-go"), "kata-qemu").Records() {
		for _, o := range r.Observations {
			for name, value := range o.Values {
				if strings.Contains(value.String(), "never-leaves") {
					t.Errorf("%s %s tells a secret: %s", o.Probe, name, value)
				}
			}
		}
	}
}
