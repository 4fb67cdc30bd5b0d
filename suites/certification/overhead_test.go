package certification

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/katacert/katacert/probes/evidence"
)

func TestOverheadIsReadOffTheAdmittedPod(t *testing.T) {
	sandbox := class("gvisor", "runsc")
	sandbox.Overhead = &nodev1.Overhead{PodFixed: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}}
	subject := running(evidence.Subject, "run-a")
	subject.Spec.Overhead = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("63Mi")}
	subject.Spec.Containers = append(subject.Spec.Containers, subject.Spec.Containers[0])
	run := &targetRun{target: Target{Class: *sandbox}, seats: []*seat{
		{vantage: evidence.Subject, pod: subject}, {vantage: evidence.Reference, pod: running(evidence.Reference, "run-node")}}}
	expect := func(want map[string]int64) {
		t.Helper()
		got := run.overhead()
		for name, number := range want {
			if n, has := got.Values.Number(name); !has || n != number {
				t.Errorf("%s is %d (%t), want %d", name, n, has, number)
			}
		}
		if len(got.Values) != len(want) {
			t.Errorf("observed %v", got.Values)
		}
	}
	expect(map[string]int64{"class_overhead_bytes": 64 << 20, "subject_overhead_bytes": 63 << 20, "subject_requests_bytes": 64 << 20,
		"reference_overhead_bytes": 0, "reference_requests_bytes": 32 << 20})
	run.target.Class, run.seats[0].err = *class("kata", "kata"), errors.New("the image is gone")
	expect(map[string]int64{"class_overhead_bytes": 0, "reference_overhead_bytes": 0, "reference_requests_bytes": 32 << 20})
}
