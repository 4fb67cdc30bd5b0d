package kata

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Mutant 11: a runtime that honours every annotation is caught by every control.
func TestEveryAnnotationIsFoundHonoured(t *testing.T) {
	records, err := readRecords(honouredLines)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Annotations() {
		if v := c.Judge(judge.Gather(records)); v.Result != judge.Fail || !v.Shown || len(v.Compared) == 0 {
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

// What starts programs or opens files of the node is a boundary; what changes the
// tenant's own guest is its thickness.
func TestLevelsOfAnnotations(t *testing.T) {
	for _, c := range Annotations() {
		reaches := slices.Contains(c.OptIn, "called-files")
		if reaches != (c.Level == catalogue.Isolation) || c.Profile != catalogue.Certification {
			t.Errorf("%s is of level %s and profile %s", c.ID, c.Level, c.Profile)
		}
	}
}

func TestRecordsMustBeWellFormed(t *testing.T) {
	if _, err := readRecords([]byte(`{"unknown":1}`)); err == nil {
		t.Error("an unknown field is taken")
	}
}
