package certification

import (
	"testing"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
)

func TestFindBlockStorage(t *testing.T) {
	plain := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "plain"}}
	marked := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "raw", Annotations: map[string]string{pods.AnnotationBlockVolumes: "true"}}}
	for name, c := range map[string]struct {
		named  string
		wanted bool
		want   string
	}{
		"the marked one":         {"", true, "raw"},
		"the one that was named": {"mine", true, "mine"},
		"nobody asks":            {"", false, ""},
	} {
		r := &runner{client: fake.NewClientset(plain, marked), o: Options{Timeouts: DefaultTimeouts(1), Training: Training{BlockStorageClass: c.named}}}
		if c.wanted {
			r.plan.Vantages = []evidence.Vantage{evidence.TrainerBlock}
		}
		if err := r.findBlockStorage(t.Context()); err != nil || r.o.Training.BlockStorageClass != c.want {
			t.Errorf("%s: chose %q (%v), want %q", name, r.o.Training.BlockStorageClass, err, c.want)
		}
	}
}

func TestScriptReachesBothNamespaces(t *testing.T) {
	r := &runner{client: fake.NewClientset(), o: Options{Training: Training{Image: "pytorch@sha256:00", Script: "print()"}}}
	r.namespaces.tenantA, r.namespaces.node = "a", "node"
	r.plan.Vantages = []evidence.Vantage{evidence.Trainer}
	if err := r.makeScript(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, namespace := range []string{"a", "node"} {
		script, err := r.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), scriptMap, metav1.GetOptions{})
		if err != nil || script.Data["train.py"] != "print()" {
			t.Errorf("in namespace %s: %v (%v)", namespace, script, err)
		}
	}
}

// A training pod's image, class and volume are those of its vantage.
func TestTrainingPods(t *testing.T) {
	r := &runner{o: Options{RunID: "r1", Images: Images{Trainer: "trainer@sha256:11"}, Training: Training{Image: "pytorch@sha256:00", GPUs: 2}}}
	r.namespaces.tenantA, r.namespaces.node = "a", "node"
	r.plan.Reference, r.plan.Targets = "runc", []Target{{ID: "n/kata"}}
	run := &targetRun{r: r, target: Target{ID: "n/kata"}, seed: make([]byte, 32)}
	run.target.Class.Name = "kata"
	nonces := map[string]bool{}
	for _, c := range []struct {
		v                evidence.Vantage
		namespace, class string
		gpus             int64
		block            bool
	}{{evidence.Trainer, "a", "kata", 2, false}, {evidence.TrainerReference, "node", "runc", 2, false}, {evidence.TrainerBlock, "a", "kata", 0, true}} {
		s := run.prepare(c.v)
		container := s.pod.Spec.Containers[0]
		if s.pod.Namespace != c.namespace || *s.pod.Spec.RuntimeClassName != c.class || container.Image != "pytorch@sha256:00" || s.image != container.Image {
			t.Errorf("%s: pod %s/%s of class %s runs %s", c.v, s.pod.Namespace, s.pod.Name, *s.pod.Spec.RuntimeClassName, container.Image)
		}
		if got := pods.GPUs(s.pod, pods.GPUResource); got != c.gpus || (len(container.VolumeDevices) == 1) != c.block || s.claim.Block != c.block {
			t.Errorf("%s: %d GPUs, devices %v", c.v, got, container.VolumeDevices)
		}
		if (s.absent != "") != c.block {
			t.Errorf("%s: absent %q", c.v, s.absent)
		}
		nonces[run.trainingNonce(c.v)] = true
	}
	if len(nonces) != 3 {
		t.Errorf("the jobs share nonces: %v", nonces)
	}
}
