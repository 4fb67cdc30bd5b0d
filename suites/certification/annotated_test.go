package certification

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// kataNode is a cluster whose node answers each created pod at once, as the fates
// say by the pod's annotation.
type kataNode struct {
	run *targetRun
	mu  sync.Mutex
	// atOnce and most count annotated pods that are there.
	atOnce, most int
	created      []*corev1.Pod
}

// fate is what becomes of a pod that was created: its status, and what is said.
type fate func(pod *corev1.Pod) (said []string, err error)

func runs(pod *corev1.Pod) ([]string, error) {
	pod.Status = runningPod(imageDigest).Status
	return nil, nil
}

func saysEvent(message func(value string) string) fate {
	return func(pod *corev1.Pod) ([]string, error) {
		value := ""
		for _, v := range pod.Annotations {
			value = v
		}
		return []string{message(value)}, nil
	}
}

// onKata is a target whose subject runs under Kata.
func onKata(t *testing.T, fates map[string]fate) *kataNode {
	t.Helper()
	n := &kataNode{}
	e := execsServer(t, func(r *http.Request) inPod {
		argv := r.URL.Query()["command"]
		value := func(flag string) string { return argv[slices.Index(argv, flag)+1] }
		claim := evidence.Claim{Nonce: value("--nonce"), Vantage: evidence.Vantage(value("--vantage")), Round: evidence.Round(value("--round")),
			PodUID: "uid-" + strings.Split(r.URL.Path, "/")[6], Node: "node-1"}
		return func(stdout, _ io.Writer) error {
			return evidence.Write(stdout, claim, []evidence.Observation{{Probe: "load", State: evidence.Seen,
				Values: evidence.Values{"mem_total_kib": evidence.Number(512 << 10), "cpus": evidence.Number(1)}}}, 5)
		}
	})
	file, err := openEvidence(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.close() })
	var vantages []evidence.Vantage
	for name := range fates {
		vantages = append(vantages, evidence.Annotated(name))
	}
	client := fake.NewClientset()
	timeouts := DefaultTimeouts(1)
	timeouts.Pods, timeouts.Grace = 100*time.Millisecond, time.Millisecond
	r := &runner{watch: newWatcher(), client: client, exec: e, evidence: file, plan: Plan{Vantages: vantages},
		o: Options{RunID: "run", Timeouts: timeouts, Progress: &notes{}, Images: Images{Probe: "registry.example/probe@" + imageDigest}}}
	r.namespaces.tenantA = "tenant-a"
	n.run = &targetRun{r: r, target: Target{ID: "node-1/kata", Class: *class("kata", "kata"), Node: *node("node-1")}, kind: judge.KindVM,
		given: map[string]string{probes.ParamCalledFolder: "/var/lib/x.called"}}
	n.run.target.Node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("25m"), corev1.ResourceMemory: resource.MustParse("1Gi")}
	subject := runningPod(imageDigest)
	subject.Name, subject.UID = "subject", "uid-subject"
	r.watch.setPod(subject)
	n.run.seats = []*seat{{vantage: evidence.Subject, pod: subject}}
	client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) { return n.create(action, fates) })
	client.PrependReactor("delete", "pods", n.delete)
	return n
}

func (n *kataNode) create(action clienttesting.Action, fates map[string]fate) (bool, runtime.Object, error) {
	pod := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod).DeepCopy()
	pod.UID, pod.Spec.NodeName, pod.Status.Phase = types.UID("uid-"+pod.Name), "node-1", corev1.PodPending
	n.mu.Lock()
	n.atOnce++
	n.most = max(n.most, n.atOnce)
	n.created = append(n.created, pod.DeepCopy())
	n.mu.Unlock()
	for name, fate := range fates {
		if pods.Labels("run", "node-1/kata", evidence.Annotated(name))[pods.LabelVantage] != pod.Labels[pods.LabelVantage] || fate == nil {
			continue
		}
		said, err := fate(pod)
		if err != nil {
			n.mu.Lock()
			n.atOnce--
			n.mu.Unlock()
			return true, nil, err
		}
		for _, message := range said {
			event := warning("FailedCreatePodSandBox", message)
			event.UID, event.InvolvedObject = "event-of-"+pod.UID, corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID}
			n.run.r.watch.setEvent(event)
		}
	}
	n.run.r.watch.setPod(pod)
	return true, pod, nil
}

func (n *kataNode) delete(action clienttesting.Action) (bool, runtime.Object, error) {
	name := action.(clienttesting.DeleteAction).GetName()
	n.mu.Lock()
	n.atOnce--
	n.mu.Unlock()
	gone := pending()
	gone.Name, gone.UID = name, types.UID("uid-"+name)
	n.run.r.watch.removePod(gone)
	return true, nil, nil
}

func TestAnnotated(t *testing.T) {
	const sandbox = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create containerd task: failed to create shim task: "
	for name, test := range map[string]struct {
		fate   fate
		result string
		says   string
		looks  bool
	}{
		"kernel-params": {runs, "result=ran", "", true},
		"default-memory": {saysEvent(func(string) string {
			return sandbox + "annotation io.katacontainers.config.hypervisor.default_memory is not enabled"
		}), "result=refused", "is not enabled", false},
		"virtio-fs-daemon": {saysEvent(func(path string) string {
			return sandbox + "virtiofs daemon " + path + " required from annotation is not valid"
		}),
			"result=refused", "is not valid", false},
		"guest-seccomp": {func(*corev1.Pod) ([]string, error) {
			return nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "x", io.ErrClosedPipe)
		}, "result=refused", "Refused", false},
		"kernel-modules": {saysEvent(func(module string) string {
			return sandbox + "load_kernel_module stderr: modprobe: FATAL: Module " + module + " not found" + strings.Repeat(" backtrace", 200)
		}),
			"marked=yes", "FailedCreatePodSandBox", false},
		"path": {func(p *corev1.Pod) ([]string, error) { unschedulable(p); return nil, nil }, "result=failed", "0/1 nodes are available", false},
		"image": {func(p *corev1.Pod) ([]string, error) {
			waiting("ImagePullBackOff", "no such image")(p)
			return nil, nil
		}, "result=failed", "ImagePullBackOff", false},
		"disable-new-netns": {saysEvent(func(string) string { return sandbox + "timed out connecting to vsock 7:1024" }), "result=failed", "timed out connecting", false},
		"config-path":       {nil, "result=failed", "does not run after 100ms", false},
	} {
		t.Run(name, func(t *testing.T) {
			n := onKata(t, map[string]fate{name: test.fate})
			o := n.run.annotated(t.Context())
			asked, _ := o.Values.List("asked")
			said, _ := o.Values.List("said")
			if len(asked) != 1 || !strings.Contains(asked[0], "what="+name+" ") || !strings.Contains(asked[0], test.result) {
				t.Errorf("asked %q, want %s", asked, test.result)
			}
			if !strings.Contains(strings.Join(said, "\n"), test.says) {
				t.Errorf("said %q, want %q", said, test.says)
			}
			looked := false
			for _, r := range n.run.r.evidence.of("node-1/kata") {
				looked = looked || r.Vantage == evidence.Annotated(name) && r.Round == evidence.Trial && r.Error == ""
			}
			if looked != test.looks {
				t.Errorf("looked %t, want %t", looked, test.looks)
			}
			if n.atOnce != 0 {
				t.Errorf("%d pods are left", n.atOnce)
			}
		})
	}
}

// All annotations that are tried, on a node with room for two pods at a time.
func TestAnnotatedPodsComeInWaves(t *testing.T) {
	fates := map[string]fate{}
	for _, name := range pods.Annotations() {
		fates[name] = runs
	}
	n := onKata(t, fates)
	o := n.run.annotated(t.Context())
	if asked, _ := o.Values.List("asked"); len(asked) != len(fates) {
		t.Errorf("asked %q", asked)
	}
	if n.most > 2 || n.atOnce != 0 || len(n.created) != len(fates) {
		t.Errorf("%d pods at once, %d left, %d created", n.most, n.atOnce, len(n.created))
	}
	values := map[string]bool{}
	for _, pod := range n.created {
		if len(pod.Annotations) != 1 || pod.Namespace != "tenant-a" || *pod.Spec.RuntimeClassName != "kata" {
			t.Errorf("pod %s/%s of class %s has annotations %v", pod.Namespace, pod.Name, *pod.Spec.RuntimeClassName, pod.Annotations)
		}
		for key, value := range pod.Annotations {
			values[key+"="+value] = true
		}
	}
	// The subject's guest has 512 MiB and one processor.
	for _, want := range []string{"io.katacontainers.config.hypervisor.path=/var/lib/x.called/path", "io.katacontainers.config.hypervisor.default_memory=832",
		"io.katacontainers.config.hypervisor.default_vcpus=2"} {
		if !values[want] {
			t.Errorf("no pod has %s: %v", want, values)
		}
	}
}

func TestNoAnnotatedPodsForOtherRuntimes(t *testing.T) {
	for _, kind := range []judge.Kind{judge.KindNone, judge.KindUserKernel, judge.KindUnknown, ""} {
		n := onKata(t, map[string]fate{"path": runs})
		n.run.kind = kind
		if o := n.run.annotated(t.Context()); o.State != evidence.Absent || len(n.created) != 0 {
			t.Errorf("kind %q: %s, %d pods", kind, o.State, len(n.created))
		}
	}
}

func TestFitting(t *testing.T) {
	pod := func(cpu, memory, overhead string, phase corev1.PodPhase, on string) corev1.Pod {
		return corev1.Pod{Spec: corev1.PodSpec{NodeName: on, Overhead: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(overhead)},
			Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}}}}}, Status: corev1.PodStatus{Phase: phase}}
	}
	two := corev1.Node{}
	two.Name = "n"
	two.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("4Gi"), corev1.ResourcePods: resource.MustParse("110")}
	one := pod("10m", "32Mi", "250m", "", "n")
	for _, test := range []struct {
		name  string
		there []corev1.Pod
		want  int
	}{
		{"an empty node", nil, 7},
		{"others of the run", []corev1.Pod{one, one, pod("900m", "32Mi", "0", corev1.PodRunning, "n")}, 2},
		{"pods of other nodes, and such as ended", []corev1.Pod{pod("2", "1Gi", "0", corev1.PodRunning, "m"), pod("2", "1Gi", "0", corev1.PodSucceeded, "n"), pod("2", "1Gi", "0", corev1.PodFailed, "n")}, 7},
		{"a full node", []corev1.Pod{pod("2", "1Gi", "0", corev1.PodRunning, "n")}, 1},
		{"no memory", []corev1.Pod{pod("10m", "4000Mi", "0", corev1.PodRunning, "n")}, 3},
	} {
		if got := fitting(two, test.there, one, 8); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	if got := fitting(corev1.Node{}, nil, one, 8); got != 8 {
		t.Errorf("a node that tells nothing: %d", got)
	}
}
