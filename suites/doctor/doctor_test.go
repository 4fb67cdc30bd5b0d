package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"

	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

func node(name string, change func(*corev1.Node), handlers ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	n.Status.NodeInfo = corev1.NodeSystemInfo{OSImage: "Debian 13", KernelVersion: "6.12.0", Architecture: "amd64", ContainerRuntimeVersion: "containerd://2.4.2"}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	for _, h := range handlers {
		n.Status.RuntimeHandlers = append(n.Status.RuntimeHandlers, corev1.NodeRuntimeHandler{Name: h})
	}
	if change != nil {
		change(n)
	}
	return n
}

func class(name, handler string, change func(*nodev1.RuntimeClass)) *nodev1.RuntimeClass {
	c := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Handler: handler, Overhead: &nodev1.Overhead{
		PodFixed: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("320Mi"), corev1.ResourceCPU: resource.MustParse("250m")},
	}}
	if change != nil {
		change(c)
	}
	return c
}

func defaultStorage() *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast", Annotations: map[string]string{annotationDefaultClass: "true"}}, Provisioner: "csi.example"}
}

// allowing answers access reviews: everything but what is named, as "verb resource".
func allowing(client *fake.Clientset, but ...string) {
	client.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview).DeepCopy()
		review.Status.Allowed = true
		if asked := review.Spec.ResourceAttributes; asked != nil {
			what := asked.Verb + " " + asked.Resource
			if asked.Subresource != "" {
				what += "/" + asked.Subresource
			}
			review.Status.Allowed = !slices.Contains(but, what)
		}
		return true, review, nil
	})
}

// dryOnly fails the test when anything is made for real.
func dryOnly(t *testing.T, client *fake.Clientset) {
	t.Helper()
	for _, action := range client.Actions() {
		created, is := action.(clienttesting.CreateActionImpl)
		switch {
		case strings.HasSuffix(action.GetResource().Resource, "reviews"):
		case is && !slices.Equal(created.CreateOptions.DryRun, []string{metav1.DryRunAll}):
			t.Errorf("%s was made for real", action.GetResource().Resource)
		case !is && action.GetVerb() != "list" && action.GetVerb() != "get":
			t.Errorf("it does %s %s", action.GetVerb(), action.GetResource().Resource)
		}
	}
}

// diagnose looks at a cluster of the objects.
func diagnose(t *testing.T, client *fake.Clientset, o Options) *Diagnosis {
	t.Helper()
	o.Cluster = certification.Cluster{Name: "prod", Config: &rest.Config{Host: "https://prod.example"}}
	o.Timeouts, o.Controls = certification.DefaultTimeouts(1), certification.Catalogue()
	f := &facts{}
	o.ask(t.Context(), client, f)
	if err := o.named(f); err != nil {
		t.Fatal(err)
	}
	f.dryRuns = o.tryPods(t.Context(), client, f, dryRunNamespace)
	d := o.conclude(f)
	dryOnly(t, client)
	for _, found := range d.Findings {
		if found.About == "" || found.Name == "" || found.Detail == "" || (found.State == OK) != (found.Mend == "") {
			t.Errorf("%+v is not whole", found)
		}
		if strings.ContainsAny(found.Detail+found.Mend, "\n\x1b") {
			t.Errorf("%q is no line", found.Detail)
		}
	}
	return d
}

// finding is the one finding of that name, or the zero one.
func (d *Diagnosis) finding(about, name string) Finding {
	i := slices.IndexFunc(d.Findings, func(f Finding) bool { return f.About == about && f.Name == name })
	if i < 0 {
		return Finding{}
	}
	return d.Findings[i]
}

func TestASoundCluster(t *testing.T) {
	client := fake.NewClientset(node("one", nil, "runc", "kata-qemu"), class("kata", "kata-qemu", nil), class("runc", "runc", nil), defaultStorage())
	allowing(client)
	d := diagnose(t, client, Options{})
	if !d.Sound() {
		t.Error("it is not sound")
	}
	if want := []Target{{"one", "kata", "kata-qemu", OK, "the node lists the handler"}}; !slices.Equal(d.Targets, want) {
		t.Errorf("targets %+v", d.Targets)
	}
	for _, p := range d.Profiles {
		if !p.may() {
			t.Errorf("profile %+v", p)
		}
	}
	if f := d.finding("runtimeclass kata", "handler"); !strings.Contains(f.Detail, "Kata Containers with QEMU by its name") {
		t.Errorf("%+v", f)
	}
	for _, f := range d.Findings {
		if f.State != OK && f.Name != "virtualisation" && f.Name != nameVersion {
			t.Errorf("%+v", f)
		}
	}
}

// Each obstacle is found where it is, with a mend, and says whether anything can
// still be certified.
func TestObstacles(t *testing.T) {
	kataNode := func() *corev1.Node { return node("one", nil, "kata-qemu") }
	for _, test := range []struct {
		name        string
		objects     []runtime.Object
		but         []string
		about, what string
		state       State
		says        string
		mend        string
		sound       bool
	}{
		{"no sandbox class", []runtime.Object{kataNode(), class("runc", "runc", nil)}, nil, aboutCluster, "runtimeclasses", Problem, "no RuntimeClass of a sandbox", "install Kata", false},
		{"a node that is not ready", []runtime.Object{node("one", func(n *corev1.Node) { n.Status.Conditions = nil }, "kata-qemu"), class("kata", "kata-qemu", nil)}, nil,
			"node one", "state", Problem, "not Ready", "--nodes", false},
		{"a handler that the node has not", []runtime.Object{node("one", nil, "runc"), class("kata", "kata-qemu", nil)}, nil,
			"runtimeclass kata", "scheduling", Problem, "one, which do not list handler kata-qemu", "nodeSelector", false},
		{"a class for no node", []runtime.Object{kataNode(), class("kata", "kata-qemu", func(c *nodev1.RuntimeClass) {
			c.Scheduling = &nodev1.Scheduling{NodeSelector: map[string]string{"kata": "yes"}}
		})}, nil, "runtimeclass kata", "scheduling", Problem, "no node has the labels", "label the nodes", false},
		{"a node that lists no handlers", []runtime.Object{node("one", nil), class("kata", "kata-qemu", nil)}, nil,
			"node one", "handlers", Unknown, "lists no handlers", "1.30", true},
		{"CRI-O", []runtime.Object{node("one", func(n *corev1.Node) { n.Status.NodeInfo.ContainerRuntimeVersion = "cri-o://1.36" }, "kata"), class("kata", "kata", nil)}, nil,
			"node one", "container-runtime", OK, "cri-o://1.36: it passes every annotation", "", true},
		{"a runtime that nobody reads", []runtime.Object{node("one", func(n *corev1.Node) { n.Status.NodeInfo.ContainerRuntimeVersion = "docker://28.0" }, "kata"), class("kata", "kata", nil)}, nil,
			"node one", "container-runtime", Missing, "docker://28.0", "need containerd or CRI-O", true},
		{"kata-deploy is not done", []runtime.Object{node("one", func(n *corev1.Node) { n.Labels[labelKata] = "false" }, "kata-qemu"), class("kata", "kata-qemu", nil)}, nil,
			"node one", "kata-deploy", Problem, "not finished", "log of the kata-deploy pod", true},
		{"no overhead", []runtime.Object{kataNode(), class("kata", "kata-qemu", func(c *nodev1.RuntimeClass) { c.Overhead = nil })}, nil,
			"runtimeclass kata", "overhead", Missing, "runtimeclass-overhead", "320Mi", true},
		{"GPUs of the ordinary plugin", []runtime.Object{node("one", func(n *corev1.Node) {
			n.Status.Allocatable = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("8"), "cpu": resource.MustParse("4")}
			n.Status.Capacity = n.Status.Allocatable
		}, "kata-qemu"), class("kata", "kata-qemu", nil)}, nil, "node one", "gpu", Missing, "8 nvidia.com/gpu, by the ordinary device plugin", "vfio-pci", true},
		{"GPUs for virtual machines", []runtime.Object{node("one", func(n *corev1.Node) {
			n.Status.Allocatable = corev1.ResourceList{"nvidia.com/pgpu": resource.MustParse("2"), "nvidia.com/gpu": resource.MustParse("0")}
			n.Status.Capacity = n.Status.Allocatable
		}, "kata-qemu"), class("kata", "kata-qemu", nil)}, nil, "node one", "gpu", OK, "2 nvidia.com/pgpu, to be passed", "", true},
		{"no exec", []runtime.Object{kataNode(), class("kata", "kata-qemu", nil)}, []string{"create pods/exec"},
			aboutCluster, "permission", Problem, "create pods/exec (to let the probes look", "katacert rbac", false},
		{"no tenants", []runtime.Object{kataNode(), class("kata", "kata-qemu", nil)}, []string{"create networkpolicies"},
			aboutCluster, "permission", Missing, "create networkpolicies.networking.k8s.io (to close", "katacert rbac", true},
		{"no storage", []runtime.Object{kataNode(), class("kata", "kata-qemu", nil)}, nil, aboutCluster, "storage", Missing, "no default StorageClass", "provisioner", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := fake.NewClientset(test.objects...)
			allowing(client, test.but...)
			d := diagnose(t, client, Options{})
			f := d.finding(test.about, test.what)
			if f.State != test.state || !strings.Contains(f.Detail, test.says) || !strings.Contains(f.Mend, test.mend) {
				t.Errorf("%s: %+v", test.name, f)
			}
			if d.Sound() != test.sound {
				t.Errorf("%s: sound %t", test.name, d.Sound())
			}
			var out bytes.Buffer
			if err := Text(&out, d); err != nil || strings.Contains(out.String(), "cannot be certified as it is") == test.sound {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

// A missing permission keeps from the profiles that need it, and from no other.
func TestProfilesFollowPermissions(t *testing.T) {
	client := fake.NewClientset(node("one", nil, "kata-qemu"), class("kata", "kata-qemu", nil))
	allowing(client, "get nodes/proxy")
	for _, p := range diagnose(t, client, Options{}).Profiles {
		if p.may() != (p.Name == catalogue.Quick) {
			t.Errorf("profile %+v", p)
		}
	}
}

// What admission would refuse is a problem, but for Pod Security, which judges by
// labels of a namespace that is not there.
func TestAdmission(t *testing.T) {
	refused := func(message string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "witness", errors.New(message))
	}
	for _, test := range []struct {
		err   error
		state State
		mend  string
	}{
		{refused(`admission webhook "validate.kyverno.svc" denied the request: privileged`), Problem, "webhook's policy"},
		{refused("ValidatingAdmissionPolicy 'no-privileged' with binding 'all' denied request"), Problem, "policy's binding"},
		{refused(`violates PodSecurity "restricted:latest": privileged`), Unknown, "--look"},
		{refused(`User "jane" cannot create resource "pods" in API group ""`), Unknown, "permission"},
		{refused("exceeded quota: small"), Problem, "raise the quota"},
		{errors.New("something else"), Problem, "the message"},
	} {
		client := fake.NewClientset(node("one", nil, "kata-qemu"), class("kata", "kata-qemu", nil))
		allowing(client)
		client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
			pod := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
			return pod.Spec.HostPID, pod, test.err // the witness's alone
		})
		d := diagnose(t, client, Options{})
		i := slices.IndexFunc(d.Findings, func(f Finding) bool { return strings.Contains(f.Detail, "witness") && f.Name == "admission" })
		if f := d.Findings[i]; f.State != test.state || !strings.Contains(f.Mend, test.mend) {
			t.Errorf("%v: %+v", test.err, f)
		}
		if d.Sound() != (test.state != Problem) {
			t.Errorf("%v: sound %t", test.err, d.Sound())
		}
		if f := d.finding("runtimeclass kata", "admission"); f.State != OK {
			t.Errorf("the tenant's pod: %+v", f)
		}
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	f := &facts{nodes: []corev1.Node{*node("one", nil)}, classes: []nodev1.RuntimeClass{*class("kata", "kata", nil)}}
	for _, o := range []Options{{RuntimeClasses: []string{"nope"}}, {Nodes: []string{"nope"}}} {
		if err := o.named(f); !errors.Is(err, certification.ErrUsage) || !strings.Contains(err.Error(), `"nope"`) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	plain := &facts{classes: []nodev1.RuntimeClass{*class("runc", "runc", nil)}}
	if err := (Options{RuntimeClasses: []string{"runc"}}).named(plain); err != nil || len(plain.classes) != 1 {
		t.Errorf("a plain class that was named: %v, %v", err, plain.classes)
	}
}

func TestJSON(t *testing.T) {
	client := fake.NewClientset(node("one", nil, "kata-qemu"), class("kata", "kata-qemu", nil))
	allowing(client)
	d := diagnose(t, client, Options{})
	var out bytes.Buffer
	if err := JSON(&out, d); err != nil {
		t.Fatal(err)
	}
	var back Diagnosis
	strict := json.NewDecoder(&out)
	strict.DisallowUnknownFields()
	if err := strict.Decode(&back); err != nil || back.Schema != Schema || len(back.Findings) != len(d.Findings) || len(back.Targets) != 1 {
		t.Errorf("%v, %+v", err, back)
	}
}
