//go:build e2e

package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// A handler that containerd does not know is reported at once, in its words.
func TestUnknownHandler(t *testing.T) {
	useCluster(t)
	addClass(t, &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "ghost"}, Handler: "ghost"})
	run := certify(t, onCluster("--profile", "quick", "--runtime-class", "ghost")...)
	run.requireCode(t, 3)
	requireWholeOfSubject(t, run.report, `no runtime for "ghost" is configured`)
	requireAtOnce(t, run.report, certification.DefaultTimeouts(1).Pods)
	requireTexts(t, run.stdout, `no runtime for "ghost" is configured`, "PARTIAL")
	requireNoNamespaces(t)
}

// A pod that never ran is no reason to look for the pod in Kata's files, and none to
// say that there is no Kata: the controls on Kata say why it did not run.
func TestUnknownHandlerOfKata(t *testing.T) {
	useCluster(t)
	addClass(t, &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "kata-ghost"}, Handler: "kata-ghost"})
	run := certify(t, onCluster("--profile", "certification", "--runtime-class", "kata-ghost", "--controls", "^(kata-|agent-policy$|guest-image-)")...)
	run.requireCode(t, 3)
	requireWholeOfSubject(t, run.report, `no runtime for "kata-ghost" is configured`)
	requireNoNamespaces(t)
}

// An image that cannot be pulled makes every control an error that names it.
func TestImageThatCannotBePulled(t *testing.T) {
	useCluster(t)
	wrong := regexp.MustCompile(`[0-9a-f]{64}$`).ReplaceAllString(shared.environ["KATACERT_PROBE_IMAGE"], digestOfNothing)
	r := runLibrary(t, func(o *certification.Options) { o.Images.Probe = wrong })
	requireWhole(t, r, "pull")
	requireAtOnce(t, r, certification.DefaultTimeouts(1).Pods)
	requireNoNamespaces(t)
}

// digestOfNothing is the SHA-256 of an empty text, which no image has.
const digestOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// A subject for which the node has no room is reported after the grace period,
// in the scheduler's words.
func TestSubjectThatCannotBeScheduled(t *testing.T) {
	useCluster(t)
	addClass(t, &nodev1.RuntimeClass{
		ObjectMeta: metav1.ObjectMeta{Name: "huge"}, Handler: "runsc",
		Overhead: &nodev1.Overhead{PodFixed: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10000")}},
	})
	r := runLibrary(t, func(o *certification.Options) { o.RuntimeClasses = []string{"huge"} })
	requireWholeOfSubject(t, r, "Insufficient cpu")
	requireAtOnce(t, r, certification.DefaultTimeouts(1).Pods)
	requireNoNamespaces(t)
}

// runLibrary certifies gVisor on the shared cluster without the program, for
// what the program's flags cannot ask for.
func runLibrary(t *testing.T, change func(*certification.Options)) *reports.Report {
	t.Helper()
	timeouts := certification.DefaultTimeouts(1)
	timeouts.Grace = 2 * time.Second // nothing here mends itself
	o := certification.Options{
		Cluster:        certification.Cluster{Provider: "local", Name: clusterName, Config: shared.config},
		RuntimeClasses: []string{"gvisor"},
		Choice:         catalogue.Choice{Profile: catalogue.Quick},
		Require:        catalogue.Isolation,
		Images:         certification.Images{Probe: shared.environ["KATACERT_PROBE_IMAGE"], Trainer: shared.environ["KATACERT_TRAINER_IMAGE"]},
		Out:            t.TempDir(),
		Timeouts:       timeouts,
		Progress:       silent{},
	}
	change(&o)
	runner, report, err := certification.Prepare(t.Context(), o)
	if err != nil {
		t.Fatalf("prepare: %v (%+v)", err, report)
	}
	return runner.Run(t.Context())
}

type silent struct{}

func (silent) Plan(int)             {}
func (silent) Phase(string, string) {}
func (silent) Done(int)             {}
func (silent) Note(string)          {}

// addClass adds a RuntimeClass to the shared cluster for one test.
func addClass(t *testing.T, class *nodev1.RuntimeClass) {
	t.Helper()
	classes := shared.client.NodeV1().RuntimeClasses()
	if _, err := classes.Create(requestContext(t), class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := classes.Delete(requestContext(t), class.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// requireWholeOfSubject checks that every control is an error because of the
// subject, or of the neighbour, whose pods did not start.
func requireWholeOfSubject(t *testing.T, r *reports.Report, text string) {
	t.Helper()
	// Whether the node has a GPU is read on the node, whatever became of the subject.
	ofSubject := *r
	ofSubject.Verdicts = slices.DeleteFunc(slices.Clone(r.Verdicts), func(v reports.Verdict) bool {
		return v.Result == judge.NotApplicable && strings.HasSuffix(v.Reason, "it has no GPU")
	})
	requireWhole(t, &ofSubject, text)
	if len(r.Leftovers) > 0 {
		t.Errorf("the run left %v", r.Leftovers)
	}
}

// requireAtOnce checks that pods which cannot start were not waited for until
// the time-out.
func requireAtOnce(t *testing.T, r *reports.Report, timeout time.Duration) {
	t.Helper()
	for _, timing := range r.Timings {
		if timing.Phase == "deploy" {
			t.Logf("it was known after %s", timing.Duration)
			if timing.Duration > timeout/2 {
				t.Errorf("it was known after %s only, the time-out is %s", timing.Duration, timeout)
			}
			return
		}
	}
	t.Error("nothing was deployed")
}
