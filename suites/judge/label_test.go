package judge_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// A pod is held to a profile of the security module where a plain container of
// the same spec is, and where its own kernel has a module at all.
func TestLabels(t *testing.T) {
	const (
		appArmor = "cri-containerd.apparmor.d (enforce)"
		selinux  = "system_u:system_r:container_t:s0:c1,c2"
	)
	for _, test := range []struct {
		name, reference, subject string
		want                     judge.Outcome
	}{
		{"no module anywhere", "", "", judge.Undetected},
		{"none in the guest", appArmor, "", judge.Undetected},
		{"none on the node", "", "unconfined", judge.Undetected},
		{"both confined", appArmor, appArmor, judge.Undetected},
		{"the pod alone is unconfined", appArmor, "unconfined", judge.Detected},
		{"the pod's profile only complains", appArmor, "kata (complain)", judge.Detected},
		{"nobody is confined", "unconfined", "unconfined", judge.Undetected},
		{"the reference's profile only complains", "cri-containerd.apparmor.d (complain)", "unconfined", judge.Undetected},
		{"SELinux: both confined", selinux, selinux, judge.Undetected},
		{"SELinux: the pod is spc_t", selinux, "system_u:system_r:spc_t:s0", judge.Detected},
		{"SELinux: the reference is unconfined", "system_u:system_r:unconfined_t:s0", "unconfined_u:unconfined_r:unconfined_t:s0", judge.Undetected},
		{"another module in the guest", selinux, "unconfined", judge.Detected},
		{"an unknown module in the guest", appArmor, "_", judge.Undetected},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := sound()
			for v, label := range map[evidence.Vantage]string{evidence.Reference: test.reference, evidence.Subject: test.subject} {
				if label != "" {
					s.Set(v, evidence.Look, "posture", "lsm", evidence.Text(label))
				}
			}
			got := sight(s, judge.Looser())
			expectSight(t, got, test.want)
			if says := strings.Contains(got.Reason, "not confined by the security module"); says != (test.want == judge.Detected) {
				t.Errorf("says %q", got.Reason)
			}
		})
	}
	lost := sound(set(evidence.Subject, evidence.Look, "posture", "lsm", evidence.Text("unconfined")),
		func(s *scene.Scene) { s.Forget(evidence.Reference, evidence.Look, "posture") })
	expectSight(t, sight(lost, judge.Looser()), judge.Unknown)
}
