package certification

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
)

// node is a ready Linux node, changed as asked.
func node(name string, changes ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelOSStable: "linux"}}}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	for _, change := range changes {
		change(n)
	}
	return n
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }
func notReady(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }
func windows(n *corev1.Node)  { n.Labels[corev1.LabelOSStable] = "windows" }
func labelled(key, value string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Labels[key] = value }
}

// class is a RuntimeClass, on nodes with the given labels only if there are any.
func class(name, handler string, selector ...string) *nodev1.RuntimeClass {
	c := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Handler: handler}
	if len(selector) == 2 {
		c.Scheduling = &nodev1.Scheduling{NodeSelector: map[string]string{selector[0]: selector[1]}}
	}
	return c
}

func quick() Options { return Options{Choice: catalogue.Choice{Profile: catalogue.Quick}} }

func plan(t *testing.T, o Options, objects ...runtime.Object) (Plan, error) {
	t.Helper()
	return MakePlan(t.Context(), fake.NewClientset(objects...), Catalogue(), o)
}

func targets(p Plan) []string {
	var ids []string
	for _, target := range p.Targets {
		ids = append(ids, target.ID)
	}
	return ids
}

func TestMakePlan(t *testing.T) {
	classes := []runtime.Object{class("runc", "runc"), class("nvidia", "nvidia"), class("gvisor", "runsc"), class("kata-runtime", "kata")}
	with := func(objects ...runtime.Object) []runtime.Object { return append(slices.Clone(classes), objects...) }
	for _, test := range []struct {
		name      string
		change    func(*Options)
		objects   []runtime.Object
		targets   []string
		skipped   []string
		reference string
	}{
		{"every sandbox class on every node", nil, with(node("a"), node("b")),
			[]string{"a/gvisor", "a/kata-runtime", "b/gvisor", "b/kata-runtime"}, nil, "runc"},
		{"a plain class when it is named", func(o *Options) { o.RuntimeClasses = []string{"runc"} }, with(node("a")), []string{"a/runc"}, nil, "runc"},
		{"in the order named", func(o *Options) { o.RuntimeClasses = []string{"kata-runtime", "gvisor"} }, with(node("a")), []string{"a/kata-runtime", "a/gvisor"}, nil, "runc"},
		{"a class named twice is one target", func(o *Options) { o.RuntimeClasses = []string{"gvisor", "gvisor"} }, with(node("a")), []string{"a/gvisor"}, nil, "runc"},
		{"a node named twice is one target", func(o *Options) { o.Nodes, o.RuntimeClasses = []string{"b", "b"}, []string{"gvisor"} }, with(node("a"), node("b")), []string{"b/gvisor"}, nil, "runc"},
		{"another reference", func(o *Options) { o.ReferenceRuntimeClass, o.RuntimeClasses = "nvidia", []string{"gvisor"} }, with(node("a")), []string{"a/gvisor"}, nil, "nvidia"},
		{"no class runc", nil, []runtime.Object{class("gvisor", "runsc"), node("a")}, []string{"a/gvisor"}, nil, ""},
		{"a class runc that is something else", nil, []runtime.Object{class("runc", "runsc"), node("a")}, []string{"a/runc"}, nil, ""},
		{"nodes that cannot take part", nil, with(node("a"), node("b", notReady), node("c", cordoned), node("d", windows)),
			[]string{"a/gvisor", "a/kata-runtime"}, []string{"node b: it is not Ready", "node c: it is cordoned", "node d: it runs windows"}, "runc"},
		{"nodes that were not asked for are no skips", func(o *Options) { o.Nodes = []string{"a"} }, with(node("a"), node("b", notReady)),
			[]string{"a/gvisor", "a/kata-runtime"}, nil, "runc"},
		{"a node without a label for its system", nil, with(node("a", func(n *corev1.Node) { n.Labels = nil })), []string{"a/gvisor", "a/kata-runtime"}, nil, "runc"},
		{"a class for some nodes", nil, []runtime.Object{class("gvisor", "runsc"), class("kata-runtime", "kata", "kata", "yes"), node("a"), node("b", labelled("kata", "yes"))},
			[]string{"a/gvisor", "b/gvisor", "b/kata-runtime"}, []string{"a/kata-runtime: the RuntimeClass's nodeSelector does not match the node's labels"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := quick()
			if test.change != nil {
				test.change(&o)
			}
			p, err := plan(t, o, test.objects...)
			if err != nil {
				t.Fatal(err)
			}
			if got := targets(p); !slices.Equal(got, test.targets) {
				t.Errorf("targets %v, want %v", got, test.targets)
			}
			var skipped []string
			for _, s := range p.Skipped {
				skipped = append(skipped, s.What+": "+s.Why)
			}
			if !slices.Equal(skipped, test.skipped) {
				t.Errorf("skipped %q, want %q", skipped, test.skipped)
			}
			if p.Reference != test.reference {
				t.Errorf("reference %q, want %q", p.Reference, test.reference)
			}
		})
	}
}

func TestMakePlanRefuses(t *testing.T) {
	cluster := []runtime.Object{class("runc", "runc"), class("gvisor", "runsc"), node("a"), node("b", notReady)}
	for _, test := range []struct {
		name    string
		change  func(*Options)
		objects []runtime.Object
		usage   bool
		says    []string
	}{
		{"unknown class", func(o *Options) { o.RuntimeClasses = []string{"gvisor", "kata"} }, cluster, true, []string{`unknown RuntimeClass "kata"`, "the cluster has gvisor, runc"}},
		{"unknown node", func(o *Options) { o.Nodes = []string{"a", "c"} }, cluster, true, []string{`unknown node "c"`, "the cluster has a, b"}},
		{"unknown reference", func(o *Options) { o.ReferenceRuntimeClass = "crun" }, cluster, true, []string{`unknown RuntimeClass "crun" given as the reference`, "gvisor, runc"}},
		{"unknown profile", func(o *Options) { o.Choice.Profile = "fast" }, cluster, true, []string{`unknown profile "fast"`}},
		{"no such control", func(o *Options) { o.Choice.Controls = "^none$" }, cluster, true, []string{`matches "^none$"`}},
		{"no sandbox class", nil, []runtime.Object{class("runc", "runc"), class("nvidia", "nvidia"), node("a")}, true, []string{"no RuntimeClass of a sandbox", "it has: nvidia, runc", "--runtime-class"}},
		{"no class at all", nil, []runtime.Object{node("a")}, true, []string{"it has: none"}},
		{"no node", nil, []runtime.Object{class("gvisor", "runsc")}, false, []string{"nothing to certify", "the cluster has no node"}},
		{"no ready node", func(o *Options) { o.Nodes = []string{"b"} }, cluster, false, []string{"nothing to certify", "node b: it is not Ready"}},
		{"a named node that is not ready", func(o *Options) { o.Nodes = []string{"a", "b"} }, cluster, false, []string{"cannot be certified: node b", "node b: it is not Ready"}},
		{"a named class that fits no node", func(o *Options) { o.RuntimeClasses = []string{"gvisor", "kata-runtime"} },
			[]runtime.Object{class("gvisor", "runsc"), class("kata-runtime", "kata", "kata", "yes"), node("a")}, false,
			[]string{"cannot be certified: RuntimeClass kata-runtime", "a/kata-runtime: the RuntimeClass's nodeSelector"}},
		{"no node that fits", nil, []runtime.Object{class("kata-runtime", "kata", "kata", "yes"), node("a")}, false, []string{"nothing to certify", "a/kata-runtime: the RuntimeClass's nodeSelector"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := quick()
			if test.change != nil {
				test.change(&o)
			}
			_, err := plan(t, o, test.objects...)
			expectError(t, err, test.says...)
			if errors.Is(err, ErrUsage) != test.usage {
				t.Errorf("%v is a usage error: %t, want %t", err, errors.Is(err, ErrUsage), test.usage)
			}
		})
	}
}

func TestMakePlanWithoutAnAnswer(t *testing.T) {
	for resource, says := range map[string]string{"runtimeclasses": "list the RuntimeClasses", "nodes": "list the nodes"} {
		client := fake.NewClientset(class("gvisor", "runsc"), node("a"))
		lost := errors.New("connection lost")
		client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, lost })
		_, err := MakePlan(t.Context(), client, Catalogue(), quick())
		expectError(t, err, says)
		if !errors.Is(err, lost) || errors.Is(err, ErrUsage) {
			t.Errorf("%v does not carry its cause, or is a usage error", err)
		}
	}
}

func expectError(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", says)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q, it should say %q", err, part)
		}
	}
	if strings.ContainsRune(err.Error(), '\n') {
		t.Errorf("the error takes more than one line: %q", err)
	}
}

// The number of pods of a target, and with it of execs, follows from the
// vantages, and the command line of an exec names no control: three times as
// many controls cost nothing.
func TestRequestsDoNotGrowWithTheControls(t *testing.T) {
	all := Catalogue()
	var thrice []catalogue.Control
	for i := range 3 {
		for _, c := range all {
			c.ID = fmt.Sprintf("%s-%d", c.ID, i)
			thrice = append(thrice, c)
		}
	}
	o := Options{Choice: catalogue.Choice{Profile: catalogue.Destructive}}
	work := func(controls []catalogue.Control) (seats int, argv []string, requests int) {
		client := fake.NewClientset(class("gvisor", "runsc"), class("runc", "runc"), node("a"))
		p, err := MakePlan(context.Background(), client, controls, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Controls) != len(controls) {
			t.Fatalf("planned %d of %d controls", len(p.Controls), len(controls))
		}
		run := &targetRun{r: &runner{o: o, plan: p}, target: p.Targets[0], seed: make([]byte, 32)}
		vantages := append([]evidence.Vantage{evidence.Witness}, p.Vantages...)
		for _, v := range vantages {
			var s *seat
			if name, annotated := v.Annotation(); annotated {
				seats, err := run.annotatedSeats(name, pods.Marks{})
				if err != nil || len(seats) == 0 {
					t.Fatal(name, err)
				}
				s = seats[0]
			} else {
				s = run.prepare(v)
			}
			if s.err != nil {
				t.Fatal(s.err)
			}
			for _, round := range evidence.Rounds() {
				argv = append(argv, strings.Join(s.argv(order{run: "run", round: round, nonce: "nonce", seed: run.seed}), " "))
			}
		}
		return len(vantages), argv, len(client.Actions())
	}
	seats, argv, requests := work(all)
	moreSeats, moreArgv, moreRequests := work(thrice)
	if seats != moreSeats || requests != moreRequests || !slices.Equal(argv, moreArgv) {
		t.Errorf("%d controls need %d pods and %d requests to plan, %d controls %d and %d", len(all), seats, requests, len(thrice), moreSeats, moreRequests)
	}
	if seats < 3 || len(argv) != seats*len(evidence.Rounds()) {
		t.Errorf("%d pods, %d execs", seats, len(argv))
	}
}
