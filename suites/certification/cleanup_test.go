package certification

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/reports"
)

// namespace is one of a run, with a process that owns it.
func namespace(name, run string, owner string) *corev1.Namespace {
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), Labels: pods.Labels(run, "", "")}}
	n.Annotations = map[string]string{annotationOwner: owner}
	return n
}

func foreign(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), Labels: labels}}
}

// strangers are namespaces that no clean-up may touch.
func strangers() []runtime.Object {
	return []runtime.Object{
		foreign("default", nil), foreign("katacert-lookalike", nil),
		foreign("managed", map[string]string{pods.LabelManagedBy: pods.ManagedBy}),
		foreign("labelled", map[string]string{pods.LabelRun: "run-1"}),
		foreign("helm", map[string]string{pods.LabelManagedBy: "Helm", pods.LabelRun: "run-1"}),
	}
}

func kept(t *testing.T, client *fake.Clientset) []string {
	t.Helper()
	list, err := client.CoreV1().Namespaces().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range list.Items {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return names
}

var untouched = []string{"default", "helm", "katacert-lookalike", "labelled", "managed"}

func TestRemoveTakesOneRun(t *testing.T) {
	client := fake.NewClientset(append(strangers(), namespace("one-a", "run-1", ""), namespace("one-b", "run-1", ""), namespace("two", "run-2", ""))...)
	found, err := Remove(t.Context(), client, "run-1", time.Minute)
	if err != nil || len(found.Left) != 0 || !slices.Equal(found.Runs, []string{"run-1"}) || found.Others != nil {
		t.Errorf("%+v, %v", found, err)
	}
	if got, want := kept(t, client), append(slices.Clone(untouched), "two"); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

// Without a run named, those alone go that are known to have ended.
func TestRemoveTakesEveryDeadRun(t *testing.T) {
	this := thisProcess()
	dead := process{machine: this.machine, pid: this.pid, start: "1"}
	client := fake.NewClientset(append(strangers(), namespace("one", "run-1", dead.String()), namespace("one-b", "run-1", dead.String()),
		namespace("two", "run-2", "somebody's"), namespace("three", "run-3", this.String()), namespace("four", "run-4", "another-boot/7/7"))...)
	found, err := Remove(t.Context(), client, "", time.Minute)
	slices.Sort(found.Others)
	if err != nil || len(found.Left) != 0 || !slices.Equal(found.Runs, []string{"run-1"}) || !slices.Equal(found.Others, []string{"run-2", "run-3", "run-4"}) {
		t.Errorf("%+v, %v", found, err)
	}
	want := append(slices.Clone(untouched), "two", "three", "four")
	slices.Sort(want)
	if got := kept(t, client); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

func TestRemoveOfNothing(t *testing.T) {
	client := fake.NewClientset(strangers()...)
	found, err := Remove(t.Context(), client, "run-9", time.Minute)
	if found.Runs != nil || found.Others != nil || len(found.Left) != 0 || err != nil {
		t.Errorf("%+v, %v", found, err)
	}
	if got := kept(t, client); !slices.Equal(got, untouched) {
		t.Errorf("kept %v, want %v", got, untouched)
	}
}

// Each deletion names the UID, so that a namespace that somebody made anew under
// the same name is not taken.
func TestRemoveNamesTheUID(t *testing.T) {
	client := fake.NewClientset(namespace("one", "run-1", ""))
	if _, err := Remove(t.Context(), client, "run-1", time.Minute); err != nil {
		t.Fatal(err)
	}
	deletions := 0
	for _, action := range client.Actions() {
		if deletion, ok := action.(clienttesting.DeleteActionImpl); ok {
			deletions++
			if p := deletion.DeleteOptions.Preconditions; p == nil || p.UID == nil || *p.UID != "uid-one" {
				t.Errorf("deleted with the preconditions %+v", p)
			}
		}
	}
	if deletions != 1 {
		t.Errorf("%d deletions", deletions)
	}
}

func TestRemoveSaysWhatIsLeft(t *testing.T) {
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "one")
	for _, test := range []struct {
		name   string
		change func(*corev1.Namespace)
		react  func(*fake.Clientset)
		says   []string
	}{
		{"a finalizer", func(n *corev1.Namespace) { n.Finalizers = []string{"example.com/hold"} }, stuck,
			[]string{"namespace one: it was not gone in time", "finalizer example.com/hold"}},
		{"something in it", func(n *corev1.Namespace) {
			n.Status.Conditions = []corev1.NamespaceCondition{
				{Type: corev1.NamespaceContentRemaining, Status: corev1.ConditionTrue, Message: "Some resources are remaining: pods. has 1 resource instances"},
				{Type: corev1.NamespaceDeletionContentFailure, Status: corev1.ConditionFalse, Message: "all is well"}}
		}, stuck, []string{"Some resources are remaining: pods"}},
		{"nothing known", func(n *corev1.Namespace) { n.Status.Phase = corev1.NamespaceTerminating }, stuck, []string{"phase Terminating"}},
		{"a deletion that is refused", nil, func(c *fake.Clientset) {
			c.PrependReactor("delete", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, errors.New("forbidden by a webhook")
			})
		}, []string{"namespace one: delete it: forbidden by a webhook"}},
		{"gone already", nil, func(c *fake.Clientset) {
			c.PrependReactor("delete", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, gone })
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := namespace("one", "run-1", "")
			if test.change != nil {
				test.change(n)
			}
			var found Removed
			var err error
			synctest.Test(t, func(t *testing.T) {
				client := fake.NewClientset(n)
				test.react(client)
				found, err = Remove(t.Context(), client, "run-1", time.Minute)
			})
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(found.Left, "\n")
			if (len(found.Left) > 0) != (test.says != nil) {
				t.Errorf("left %q", found.Left)
			}
			for _, part := range test.says {
				if !strings.Contains(text, part) {
					t.Errorf("left %q, it should say %q", text, part)
				}
			}
		})
	}
}

// stuck lets a deletion be accepted and never end, as a finalizer does.
func stuck(c *fake.Clientset) {
	c.PrependReactor("delete", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, nil })
}

func TestRemoveOfAnUnreachableCluster(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("list", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("connection refused")
	})
	_, err := Remove(t.Context(), client, "", time.Minute)
	expectError(t, err, "list the namespaces of runs", "connection refused")
}

// notes keeps what a progress is told.
type notes struct{ lines []string }

func (*notes) Plan(int)             {}
func (*notes) Phase(string, string) {}
func (*notes) Done(int)             {}
func (n *notes) Note(line string)   { n.lines = append(n.lines, line) }

func TestSweepTakesDeadRunsOfThisMachineAlone(t *testing.T) {
	this := thisProcess()
	dead := this
	dead.pid, dead.start = endedProcess(t)
	abroad := dead
	abroad.machine = "11111111-2222-4333-8444-555555555555,pid:[4026531836]"
	client := fake.NewClientset(append(strangers(),
		namespace("dead-a", "run-dead", dead.String()), namespace("dead-b", "run-dead", dead.String()),
		namespace("alive", "run-alive", this.String()), namespace("abroad", "run-abroad", abroad.String()),
		namespace("nobody", "run-nobody", ""), namespace("garbage", "run-garbage", "a/b/c/d"))...)
	told := &notes{}
	r := &runner{client: client, o: Options{Timeouts: DefaultTimeouts(1), Progress: told}}
	if err := r.sweepDeadRuns(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := append(slices.Clone(untouched), "alive", "abroad", "nobody", "garbage")
	slices.Sort(want)
	if got := kept(t, client); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	if len(told.lines) != 2 || !strings.Contains(told.lines[0], "removing what the killed run run-dead left") ||
		!strings.Contains(told.lines[0], DefaultTimeouts(1).Cleanup.String()) || !strings.Contains(told.lines[1], "removed what run-dead had left") {
		t.Errorf("said %q", told.lines)
	}
}

// What a killed run left and does not go stops no other run, which says so.
func TestSweepSaysWhatDoesNotGo(t *testing.T) {
	dead := thisProcess()
	dead.pid, dead.start = endedProcess(t)
	synctest.Test(t, func(t *testing.T) {
		held := namespace("dead-a", "run-dead", dead.String())
		held.Finalizers = []string{"example.com/hold"}
		client := fake.NewClientset(held)
		stuck(client)
		told := &notes{}
		r := &runner{client: client, o: Options{Timeouts: DefaultTimeouts(1), Progress: told}}
		if err := r.sweepDeadRuns(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(told.lines) != 2 || !strings.Contains(told.lines[1], "finalizer example.com/hold") {
			t.Errorf("said %q", told.lines)
		}
	})
}

func TestCleanUpReportsLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := namespace("one", "run-1", "")
		held.Finalizers = []string{"example.com/hold"}
		client := fake.NewClientset(held, namespace("two", "run-2", ""))
		stuck(client)
		r := &runner{client: client, report: &reports.Report{}, o: Options{RunID: "run-1", Timeouts: DefaultTimeouts(1), Progress: &notes{}}}
		r.cleanUp(t.Context())
		if len(r.report.Leftovers) != 1 || !strings.Contains(r.report.Leftovers[0], "example.com/hold") {
			t.Errorf("leftovers %q", r.report.Leftovers)
		}
	})
}
