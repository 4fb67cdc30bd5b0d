package certification

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/gpu"
	"github.com/katacert/katacert/suites/judge"
)

// withLogs is a client whose logs come from another one: the fake's are always the same.
type withLogs struct {
	kubernetes.Interface
	logs kubernetes.Interface
}

func (c withLogs) CoreV1() typedcorev1.CoreV1Interface {
	return coreWithLogs{c.Interface.CoreV1(), c.logs.CoreV1()}
}

type coreWithLogs struct {
	typedcorev1.CoreV1Interface
	logs typedcorev1.CoreV1Interface
}

func (c coreWithLogs) Pods(namespace string) typedcorev1.PodInterface {
	return podsWithLogs{c.CoreV1Interface.Pods(namespace), c.logs.Pods(namespace)}
}

type podsWithLogs struct {
	typedcorev1.PodInterface
	logs typedcorev1.PodInterface
}

func (p podsWithLogs) GetLogs(name string, o *corev1.PodLogOptions) *rest.Request {
	return p.logs.GetLogs(name, o)
}

// gpuCluster is a cluster of one node with two GPUs, whose pods run at once.
type gpuCluster struct {
	run *targetRun
	mu  sync.Mutex
	// created are the pods, ended how: the name, and the grace period that was asked for.
	created []*corev1.Pod
	ended   []string
	// told are the command lines by pod.
	told map[string]string
	// finds is what the heirs find of tokens, says what holders print.
	finds, says string
	// fails says why holders do not run.
	fails string
}

const gpuOne, gpuTwo = "GPU-00000000-0000-4000-8000-000000000001", "GPU-00000000-0000-4000-8000-000000000002"

// sound is what a holder prints, and what heirs find, where nothing is wrong.
func sound() *gpuCluster {
	return &gpuCluster{finds: "none", told: map[string]string{},
		says: "planted uuid=" + gpuOne + " bytes=4096 canaries=16\nplanted uuid=" + gpuTwo + " bytes=4096 canaries=16\n" + gpu.HoldReady + "\n"}
}

func (n *gpuCluster) start(t *testing.T) {
	t.Helper()
	logs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, n.says) }))
	t.Cleanup(logs.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: logs.URL})
	if err != nil {
		t.Fatal(err)
	}
	file, err := openEvidence(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.close() })
	timeouts := DefaultTimeouts(1)
	timeouts.Pods, timeouts.Grace = 100*time.Millisecond, time.Millisecond
	n.run = gpuTarget(t, Options{Images: Images{Probe: "registry.example/probe@" + otherDigest, GPUProbe: "registry.example/gpu-probe@" + imageDigest}, Progress: &notes{}},
		node("node-1", withGPUs(pods.GPUResource, 2)))
	r := n.run.r
	fakes := r.client.(*fake.Clientset)
	fakes.PrependReactor("create", "pods", n.create)
	fakes.PrependReactor("delete", "pods", n.delete)
	r.client, r.watch, r.evidence, r.o.Timeouts, r.secret = withLogs{fakes, client}, newWatcher(), file, timeouts, newSecret()
	r.exec = execsServer(t, n.look)
	r.namespaces.tenantA, r.namespaces.tenantB = "tenant-a", "tenant-b"
	n.run.target.Class = *class("kata", "kata")
	n.run.share = gpuShare{allocatable: 2}
}

func (n *gpuCluster) create(action clienttesting.Action) (bool, runtime.Object, error) {
	pod := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod).DeepCopy()
	_, image, _ := strings.Cut(pod.Spec.Containers[0].Image, "@")
	pod.UID, pod.Spec.NodeName, pod.Status = types.UID("uid-"+pod.Name), "node-1", runningPod(image).Status
	if n.fails != "" && strings.HasPrefix(pod.Name, "gpu-holder") {
		pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Failed", Message: n.fails}
	}
	n.mu.Lock()
	n.created = append(n.created, pod)
	n.mu.Unlock()
	n.run.r.watch.setPod(pod)
	return true, pod, nil
}

func (n *gpuCluster) delete(action clienttesting.Action) (bool, runtime.Object, error) {
	deletion := action.(clienttesting.DeleteActionImpl)
	grace := "default"
	if seconds := deletion.DeleteOptions.GracePeriodSeconds; seconds != nil {
		grace = fmt.Sprint(*seconds)
	}
	n.mu.Lock()
	n.ended = append(n.ended, deletion.Name+" "+grace)
	n.mu.Unlock()
	gone := pending()
	gone.Name, gone.UID = deletion.Name, types.UID("uid-"+deletion.Name)
	n.run.r.watch.removePod(gone)
	return true, nil, nil
}

// look is an heir's round: it finds in both GPUs what the cluster says.
func (n *gpuCluster) look(r *http.Request) inPod {
	argv := r.URL.Query()["command"]
	value := func(flag string) string { return argv[slices.Index(argv, flag)+1] }
	pod := strings.Split(r.URL.Path, "/")[6]
	n.mu.Lock()
	n.told[pod] = strings.Join(argv, " ")
	n.mu.Unlock()
	claim := evidence.Claim{Nonce: value("--nonce"), Vantage: evidence.Vantage(value("--vantage")), Round: evidence.Round(value("--round")), PodUID: "uid-" + pod, Node: "node-1"}
	of := func(probe, line string) evidence.Observation {
		return evidence.Observation{Probe: probe, State: evidence.Seen, Values: evidence.Values{"gpus": evidence.List("uuid="+gpuOne+" "+line, "uuid="+gpuTwo+" "+line)}}
	}
	return func(stdout, _ io.Writer) error {
		return evidence.Write(stdout, claim, []evidence.Observation{
			of("gpu-shared-memory", "dumped=4096 not_zero=0 tokens=none unknown_tokens=0 own_found=true"),
			of("gpu-residue", "scanned=4096 memory=4096 not_zero=0 marks=0 tokens="+n.finds+" unknown_tokens=0 own_planted=16 own_found=true scan_us=1"),
			of("gpu-nvml", "mig=off ecc=on"),
		}, 5)
	}
}

// bequeath lets the GPUs go from tenant to tenant and judges gpu-memory-residue.
func (n *gpuCluster) bequeath(t *testing.T) (evidence.Observation, judge.Verdict) {
	t.Helper()
	n.start(t)
	holders := n.run.bequeathGPUs(t.Context())
	functions := evidence.Observation{Probe: "gpu-functions", State: evidence.Seen, Values: evidence.Values{
		"functions": evidence.List("address=0000:01:00.0 class=030200 driver=nvidia")}}
	records := append(n.run.r.evidence.of(n.run.target.ID),
		evidence.Record{Vantage: evidence.Witness, Round: evidence.Look, Observations: []evidence.Observation{functions}},
		evidence.Record{Vantage: evidence.API, Round: evidence.Look, Observations: []evidence.Observation{holders, n.run.gpuObservation()}})
	for _, c := range Catalogue() {
		if c.ID == "gpu-memory-residue" {
			return holders, c.Judge(judge.Gather(records))
		}
	}
	t.Fatal("there is no gpu-memory-residue")
	return holders, judge.Verdict{}
}

// The first tenant fills all GPUs and dies, by deletion and by kill; each time the second
// one is given them and looks, told the hash of the token and never the token.
func TestBequeathGPUs(t *testing.T) {
	n := sound()
	holders, verdict := n.bequeath(t)
	if verdict.Result != judge.Pass || !verdict.Shown {
		t.Errorf("%s, shown %t (%s), want pass", verdict.Result, verdict.Shown, verdict.Reason)
	}
	planted, _ := holders.Values.List("planted")
	want := []string{
		"died=deleted uuid=" + gpuOne + " canaries=16 bytes=4096", "died=deleted uuid=" + gpuTwo + " canaries=16 bytes=4096",
		"died=killed uuid=" + gpuOne + " canaries=16 bytes=4096", "died=killed uuid=" + gpuTwo + " canaries=16 bytes=4096",
	}
	if !slices.Equal(planted, want) || holders.Detail != "" {
		t.Errorf("planted %q (%s)", planted, holders.Detail)
	}
	token := gpuToken(n.run.r.secret)
	var order []string
	for _, pod := range n.created {
		order = append(order, pod.Namespace+"/"+pod.Name[:strings.LastIndex(pod.Name, "-")])
		if got := pods.GPUs(pod, pods.GPUResource); got != 2 || pod.Spec.Containers[0].Image != n.run.r.o.Images.GPUProbe {
			t.Errorf("pod %s asks for %d GPUs and runs %s", pod.Name, got, pod.Spec.Containers[0].Image)
		}
		command := strings.Join(pod.Spec.Containers[0].Command, " ")
		holder, killed := strings.HasPrefix(pod.Name, "gpu-holder"), strings.HasPrefix(pod.Name, "gpu-holder-killed")
		if holder != strings.HasPrefix(command, "/gpu-probe hold --token "+token) || killed != strings.HasSuffix(command, " --until-killed") {
			t.Errorf("pod %s runs %q", pod.Name, command)
		}
	}
	if len(order) != 4 {
		t.Fatalf("the pods are %v", order)
	}
	for i, begins := range []string{"tenant-a/gpu-holder-deleted", "tenant-b/gpu-successor", "tenant-a/gpu-holder-killed", "tenant-b/gpu-survivor"} {
		if !strings.HasPrefix(order[i]+"-", begins) {
			t.Errorf("pod %d is %s, want %s", i, order[i], begins)
		}
		grace := map[bool]string{true: " 0", false: " default"}[strings.Contains(begins, "killed")]
		if !strings.HasPrefix(n.ended[i], n.created[i].Name) || !strings.HasSuffix(n.ended[i], grace) {
			t.Errorf("%s ended as %q", begins, n.ended[i])
		}
	}
	if len(n.told) != 2 {
		t.Errorf("%d pods looked, want the two heirs", len(n.told))
	}
	for pod, line := range n.told {
		if !strings.HasPrefix(line, "/gpu-probe round --round aftermath ") || strings.Contains(line, token) || !strings.Contains(line, probes.GPUToken()+"="+probes.TokenHash(token)) {
			t.Errorf("%s is told %s", pod, line)
		}
	}
}

// A GPU that is handed on with what lay in it is found out.
func TestGPUsThatAreNotCleared(t *testing.T) {
	n := sound()
	n.finds = probes.GPUToken()
	if _, verdict := n.bequeath(t); verdict.Result != judge.Fail || !strings.Contains(verdict.Reason, "after the tenant before was killed") {
		t.Errorf("%s (%s), want fail", verdict.Result, verdict.Reason)
	}
}

// Where the first tenant could not fill the GPUs nothing is judged, and the report says
// why; the second tenant is not started for nothing.
func TestGPUsThatNobodyFilled(t *testing.T) {
	for name, test := range map[string]struct {
		says, fails, reason string
	}{
		"no driver":             {says: "gpu-probe hold: no CUDA driver library: libcuda.so.1\n", reason: "ended before it held its GPUs"},
		"nothing":               {reason: "ended before it held its GPUs"},
		"no GPU":                {says: "holding\n", reason: "filled none"},
		"one GPU twice":         {says: strings.Repeat("planted uuid="+gpuOne+" bytes=4096 canaries=16\n", 2) + "holding\n", reason: "no honest probe"},
		"a line of two":         {says: "planted uuid=" + gpuOne + " bytes=1 canaries=1 died=killed\nholding\n", reason: "no honest probe"},
		"more than it may":      {says: strings.Repeat("x", maxHeld+1), reason: "more of its GPUs"},
		"a pod that cannot run": {fails: "no GPU left", reason: "no GPU left"},
	} {
		t.Run(name, func(t *testing.T) {
			n := sound()
			n.says, n.fails = test.says, test.fails
			holders, verdict := n.bequeath(t)
			if verdict.Result != judge.Error || !strings.Contains(verdict.Reason, test.reason) || !strings.Contains(holders.Detail, test.reason) {
				t.Errorf("%s (%s), want error (%s); holders say %q", verdict.Result, verdict.Reason, test.reason, holders.Detail)
			}
			if len(n.told) > 0 || len(n.created) != 2 || len(n.ended) != 2 {
				t.Errorf("%d pods were made, %d ended, and %d looked", len(n.created), len(n.ended), len(n.told))
			}
		})
	}
}

// What a driver prints besides is passed over.
func TestHoldersThatSayMore(t *testing.T) {
	lines, err := filled("warning: persistence mode\nplanted uuid="+gpuOne+" bytes=4096 canaries=16\nholding\n", deleted)
	if err != nil || !slices.Equal(lines, []string{"died=deleted uuid=" + gpuOne + " canaries=16 bytes=4096"}) {
		t.Errorf("%q, %v", lines, err)
	}
	if holdsGPUs != gpu.HoldReady {
		t.Errorf("holders are ready when they say %q", gpu.HoldReady)
	}
}

// Simulated GPUs are looked at by the static probe, which costs nothing more; real ones by
// the program that computes, where there is one.
func TestWhichProgramLooksAtGPUs(t *testing.T) {
	const static, computing = "registry.example/probe@" + otherDigest, "registry.example/gpu-probe@" + imageDigest
	for name, test := range map[string]struct {
		share    gpuShare
		image    string
		computes bool
	}{
		"real":                     {gpuShare{allocatable: 2}, computing, true},
		"simulated":                {gpuShare{allocatable: 2, simulated: 2}, computing, false},
		"real, without the image":  {gpuShare{allocatable: 2}, "", false},
		"none":                     {gpuShare{}, computing, false},
		"simulated, without image": {gpuShare{allocatable: 2, simulated: 2}, "", false},
	} {
		target := gpuTarget(t, Options{Images: Images{Probe: static, GPUProbe: test.image}}, node("a", withGPUs(pods.GPUResource, 2)))
		target.share, target.r.secret = test.share, newSecret()
		for _, v := range []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUReference, evidence.GPUUnrequested} {
			s := target.prepare(v)
			argv := s.argv(order{run: "run", round: evidence.Look, nonce: "n", optIn: []string{"gpu-throughput", "gpu-seen"}})
			want, program := static, "/probe"
			if test.computes {
				want, program = computing, "/gpu-probe"
			}
			if s.err != nil || s.image != want || s.pod.Spec.Containers[0].Image != want || argv[0] != program || !slices.Contains(argv, "gpu-throughput") {
				t.Errorf("%s: %s runs %s and looks by %v (%v)", name, v, s.image, argv, s.err)
			}
		}
		if s := target.prepare(evidence.Subject); s.image != static || s.program != "" {
			t.Errorf("%s: the subject runs %s", name, s.image)
		}
		program, _ := target.gpuObservation().Values.Text("no_program")
		if (program == "") != (test.image != "") {
			t.Errorf("%s: there is no program because %q", name, program)
		}
	}
}
