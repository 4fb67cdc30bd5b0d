package kata

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Mutant 11: a runtime that honours every annotation is caught by every control.
func TestEveryAnnotationIsFoundHonoured(t *testing.T) {
	for _, c := range Annotations() {
		if v := c.Judge(honoured()); v.Result != judge.Fail || !v.Shown || len(v.Compared) == 0 {
			t.Errorf("%s: %s (%s), want fail", c.ID, v.Result, v.Reason)
		}
	}
}

func TestEveryTriedAnnotationHasAControl(t *testing.T) {
	var tried []string
	for _, c := range Annotations() {
		name := strings.TrimPrefix(c.ID, "annotation-")
		tried = append(tried, name)
		if key := pods.AnnotationKey(name); key == "" || !strings.Contains(c.Proves, key) {
			t.Errorf("%s does not speak of the annotation %q that is tried", c.ID, key)
		}
	}
	slices.Sort(tried)
	if !slices.Equal(tried, pods.Annotations()) {
		t.Errorf("controls for %v, tried are %v", tried, pods.Annotations())
	}
}

// A Kata as everybody gets it, and one that is set up to follow tenants.
func TestRecordedAnnotations(t *testing.T) {
	recording, err := recordings.Find(recordings.Annotations)
	if err != nil {
		t.Fatal(err)
	}
	asInstalled, err := recording.Records()
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string][]evidence.Record{"": asInstalled}
	caught := map[string][]string{"": recording.Findings}
	for _, trial := range recordings.Trials() {
		if trial.Of != recordings.Annotations {
			continue
		}
		if sets[trial.ID], err = trial.Records(); err != nil {
			t.Fatal(err)
		}
		caught[trial.ID] = append(slices.Clone(recording.Findings), trial.Caught...)
	}
	for id, records := range sets {
		for _, c := range Annotations() {
			if !slices.Contains(recording.Judged, c.ID) {
				t.Errorf("%s is not judged on the recording", c.ID)
			}
			v, want := c.Judge(judge.Gather(records)), judge.Pass
			switch {
			case slices.Contains(caught[id], c.ID):
				want = judge.Fail
			case c.ID == "annotation-guest-seccomp":
				want = judge.NotApplicable // off in the guest as installed
			}
			if v.Result != want || !v.Shown {
				t.Errorf("%s on %q: %s, shown %t (%s), want %s", c.ID, id, v.Result, v.Shown, v.Reason, want)
			}
		}
	}
}

// What starts programs or opens files of the node is a boundary; what changes the
// tenant's own guest is its thickness.
func TestLevelsOfAnnotations(t *testing.T) {
	for _, c := range Annotations() {
		reaches := slices.Contains(c.OptIn, "called-files") || c.ID == "annotation-virtio-fs-extra-args"
		if reaches != (c.Level == catalogue.Isolation) || c.Profile != catalogue.Certification {
			t.Errorf("%s is of level %s and profile %s", c.ID, c.Level, c.Profile)
		}
	}
}
