package certification

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

const (
	imageDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	otherDigest = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

func runningPod(imageID string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p", UID: "uid-1"}, Spec: corev1.PodSpec{NodeName: "node-1", RuntimeClassName: new("gvisor")},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
			{ImageID: imageID, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}}
}

func TestGenuine(t *testing.T) {
	asked := "registry.example/probe@" + imageDigest
	elsewhere := runningPod(asked)
	elsewhere.Spec.NodeName = "node-2"
	silent := runningPod("")
	silent.Status.ContainerStatuses = nil
	for _, test := range []struct {
		name      string
		pod       *corev1.Pod
		image     string
		manifests []string
		says      string
	}{
		{"as asked", runningPod(asked), asked, nil, ""},
		{"as asked, in Docker's words", runningPod("docker-pullable://registry.example/probe@" + imageDigest), asked, nil, ""},
		{"as asked, by the digest alone", runningPod(imageDigest), asked, nil, ""},
		{"the manifest behind the index", runningPod(otherDigest), asked, []string{otherDigest}, ""},
		{"another image", runningPod("registry.example/probe@" + otherDigest), asked, nil, "its evidence is not taken"},
		{"a digest that begins alike", runningPod(imageDigest + "0"), asked, nil, "its evidence is not taken"},
		{"no digest reported", runningPod("registry.example/probe:latest"), asked, nil, "its evidence is not taken"},
		{"no container reported", silent, asked, nil, "its evidence is not taken"},
		{"asked for by a tag", runningPod("registry.example/probe:latest"), "registry.example/probe:latest", nil, "its evidence is not taken"},
		{"another node", elsewhere, asked, nil, "runs on node node-2 instead of node-1"},
	} {
		err := genuine(test.pod, "node-1", test.image, test.manifests)
		if test.says == "" && err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "pod ns/p")) {
			t.Errorf("%s: %v, want an error that says %q", test.name, err, test.says)
		}
	}
}

// A pod is described by the API server and never by itself.
func TestDescribe(t *testing.T) {
	got := describe(runningPod("x@"+imageDigest), "registry.example/probe@"+imageDigest)
	want := evidence.Pod{Namespace: "ns", Name: "p", UID: "uid-1", Node: "node-1", RuntimeClass: "gvisor",
		Image: "registry.example/probe@" + imageDigest, ImageDigest: imageDigest}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// accepted lets a subject print what output makes of the claim that is expected.
func accepted(t *testing.T, output func(claim evidence.Claim) string) evidence.Record {
	t.Helper()
	run := &targetRun{r: &runner{o: Options{RunID: "run"}}, target: Target{ID: "node-1/gvisor"}}
	record := run.blank(&seat{vantage: evidence.Subject, pod: runningPod(imageDigest)}, evidence.Look, "nonce-1")
	claim := evidence.Claim{Nonce: "nonce-1", Vantage: evidence.Subject, Round: evidence.Look, PodUID: "uid-1", Node: "node-1"}
	run.accept(&record, []byte(output(claim)), evidence.DefaultLimits())
	return record
}

func printed(t *testing.T, claim evidence.Claim) string {
	t.Helper()
	var out bytes.Buffer
	seen := evidence.Observation{Probe: "boot-id", State: evidence.Seen, Values: evidence.Values{"boot_id": evidence.Text("b")}}
	if err := evidence.Write(&out, claim, []evidence.Observation{seen}, 5); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAcceptHonestEvidence(t *testing.T) {
	record := accepted(t, func(claim evidence.Claim) string { return printed(t, claim) })
	if record.Error != "" || len(record.Observations) != 1 || record.CPUMicros != 5 {
		t.Errorf("record %+v", record)
	}
	if record.Pod.UID != "uid-1" || record.Pod.ImageDigest != imageDigest || record.Schema != evidence.RecordSchema || record.Run != "run" {
		t.Errorf("record %+v", record)
	}
}

func TestAcceptNothingHostile(t *testing.T) {
	for name, test := range map[string]struct {
		output func(claim evidence.Claim) string
		says   string
	}{
		"nothing": {func(evidence.Claim) string { return "" }, "printed nothing"},
		"cut off": {func(c evidence.Claim) string {
			whole := printed(t, c)
			return whole[:strings.LastIndex(whole, `{"end"`)]
		}, "cut off"},
		"replayed from another round": {func(c evidence.Claim) string { c.Nonce = "nonce-0"; return printed(t, c) }, `nonce "nonce-0"`},
		"of the witness":              {func(c evidence.Claim) string { c.Vantage = evidence.Witness; return printed(t, c) }, "vantage"},
		"of another pod":              {func(c evidence.Claim) string { c.PodUID = "uid-2"; return printed(t, c) }, "pod UID"},
		"of another node":             {func(c evidence.Claim) string { c.Node = "node-2"; return printed(t, c) }, "node"},
		"followed by more":            {func(c evidence.Claim) string { return printed(t, c) + printed(t, c) }, "after the end line"},
		"oversized":                   {func(c evidence.Claim) string { return printed(t, c) + strings.Repeat(" ", 2<<20) }, "more output than any honest probe sends"},
		"a terminal's commands":       {func(evidence.Claim) string { return "\x1b[2J\x1b[1;32mcertified\x1b[0m\n" }, "line 1"},
		"a report of its own":         {func(evidence.Claim) string { return `{"outcome":"certified","verdicts":[]}` }, "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			record := accepted(t, test.output)
			if record.Observations != nil || record.CPUMicros != 0 {
				t.Errorf("kept %+v of it", record)
			}
			if !strings.HasPrefix(record.Error, "the evidence of pod ns/p cannot be believed: ") || !strings.Contains(record.Error, test.says) {
				t.Errorf("the record says %q, want %q", record.Error, test.says)
			}
			if strings.ContainsAny(record.Error, "\x1b\n") || len(record.Error) > 1000 {
				t.Errorf("the error is not fit for a report: %q", record.Error)
			}
		})
	}
}

// Tenants' and reference pods get hashes, never the tokens or the seed, so that
// no probe can find its own arguments and take them for a leak.
func TestSeekersNeverGetTokens(t *testing.T) {
	seed, secret := bytes.Repeat([]byte{0xa5}, 32), bytes.Repeat([]byte{0x5a}, 32)
	o := order{run: "run", round: evidence.LookAgain, nonce: "nonce-1", seed: seed, secret: secret, params: map[string]string{"peer_ip": "10.0.0.9"}, optIn: []string{"special-files"}}
	for _, v := range []evidence.Vantage{evidence.Reference, evidence.Subject, evidence.Neighbour, evidence.GuestRoot, evidence.SubjectSuccessor, evidence.Weakened("host-pid")} {
		argv := strings.Join((&seat{vantage: v}).argv(o), " ")
		hashes := map[string]string{}
		secrets := []string{hex.EncodeToString(seed), hex.EncodeToString(secret)}
		for _, name := range probes.TokenNames() {
			token := probes.Token(seed, name)
			secrets, hashes[name] = append(secrets, token), probes.TokenHash(token)
		}
		for _, tenant := range probes.Tenants() {
			own := probes.TenantSeed(secret, tenant)
			if tenant == tenantOf(v) {
				if !strings.Contains(argv, "--tenant "+tenant+" --tenant-seed "+hex.EncodeToString(own)) || strings.Contains(argv, "dataset-"+tenant) {
					t.Errorf("vantage %s must make the data of tenant %s and not seek it: %s", v, tenant, argv)
				}
				continue
			}
			secrets = append(secrets, hex.EncodeToString(own))
			for _, kind := range probes.TenantData() {
				token := probes.Token(own, kind)
				secrets, hashes[probes.TenantToken(kind, tenant)] = append(secrets, token), probes.TokenHash(token)
			}
		}
		if strings.Contains(argv, probes.GPUToken()+"=") {
			t.Errorf("vantage %s has no GPU and seeks what lies in one: %s", v, argv)
		}
		for _, secret := range append(secrets, gpuToken(secret)) {
			if strings.Contains(argv, secret) {
				t.Errorf("vantage %s is given a token: %s", v, argv)
			}
		}
		for name, hash := range hashes {
			if !strings.Contains(argv, name+"="+hash) {
				t.Errorf("vantage %s does not seek token %s: %s", v, name, argv)
			}
		}
		for _, part := range []string{"--param peer_ip=10.0.0.9", "--opt-in special-files"} {
			if !strings.Contains(argv, part) {
				t.Errorf("vantage %s is not told %s: %s", v, part, argv)
			}
		}
	}
	o.round = evidence.Act
	witness := (&seat{vantage: evidence.Witness}).argv(o)
	if !slices.Contains(witness, hex.EncodeToString(seed)) || slices.Contains(witness, "--seek") {
		t.Errorf("the witness plants with %v", witness)
	}
}

func TestOnlyTheLeakingPodLeaks(t *testing.T) {
	for _, weakness := range pods.Weaknesses() {
		argv := (&seat{vantage: evidence.Weakened(string(weakness))}).argv(order{run: "run", round: evidence.Look, nonce: "n"})
		if got := slices.Contains(argv, "--leak"); got != (weakness == pods.LeakedDescriptor) {
			t.Errorf("weakness %s: leaks %t", weakness, got)
		}
	}
}

// A factor below 1 would cut searches short and prove nothing.
func TestProbesAreToldTheTimeoutScale(t *testing.T) {
	for factor, want := range map[float64]string{0.5: "/probe round", 1: "/probe round", 2.5: "/probe round --timeout-scale 2.5"} {
		if got := strings.Join(DefaultTimeouts(factor).scaled([]string{"/probe", "round"}), " "); got != want {
			t.Errorf("factor %v: %q, want %q", factor, got, want)
		}
	}
}

func TestNoncesAreNotRepeated(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		nonce := newNonce()
		if len(nonce) != 32 || seen[nonce] {
			t.Fatalf("nonce %q is short or repeated", nonce)
		}
		seen[nonce] = true
	}
}

// A seat whose pod does not run, or runs no more, gives error records.
func TestLookWithoutAPod(t *testing.T) {
	run := &targetRun{r: &runner{watch: newWatcher(), o: Options{Timeouts: DefaultTimeouts(1)}}, target: Target{ID: "t"}}
	gone := run.look(t.Context(), &seat{vantage: evidence.Subject, pod: runningPod(imageDigest)}, evidence.Look)
	if !strings.Contains(gone.Error, "pod ns/p is gone") {
		t.Errorf("a pod that is gone: %q", gone.Error)
	}
	failed := run.look(t.Context(), &seat{vantage: evidence.Subject, err: errors.New("no such image")}, evidence.Look)
	if failed.Error != "no such image" || failed.Vantage != evidence.Subject || failed.Nonce == "" {
		t.Errorf("a pod that never ran: %+v", failed)
	}
	dead := runningPod(imageDigest)
	dead.Status.Phase, dead.Status.Reason = corev1.PodFailed, "Evicted"
	run.r.watch.setPod(dead)
	if evicted := run.look(t.Context(), &seat{vantage: evidence.Subject, pod: dead}, evidence.LookAgain); !strings.Contains(evicted.Error, "Evicted") {
		t.Errorf("a pod that was evicted: %q", evicted.Error)
	}
}

// check refuses a witness that does not stand on the node.
func TestTheWitnessMustStandOnItsNode(t *testing.T) {
	for _, test := range []struct {
		name, boot string
		genuine    bool
	}{{"on the node", "boot-1", true}, {"in a sandbox", "boot-2", false}, {"reads nothing", "", false}} {
		t.Run(test.name, func(t *testing.T) {
			witness := &seat{vantage: evidence.Witness}
			run := &targetRun{seats: []*seat{witness}, target: Target{ID: "t", Node: *node("node-1")}}
			run.target.Node.Status.NodeInfo.BootID = "boot-1"
			record := evidence.Record{Round: evidence.Look, Observations: []evidence.Observation{
				{Probe: "boot-id", State: evidence.Seen, Values: evidence.Values{"boot_id": evidence.Text(test.boot)}}}}
			run.check(&record)
			if got := record.Error == "" && witness.err == nil && record.Observations != nil; got != test.genuine {
				t.Errorf("believed %t, want %t: %q, %v", got, test.genuine, record.Error, witness.err)
			}
			if !test.genuine && (!strings.Contains(record.Error, "does not stand on node node-1") || record.Observations != nil) {
				t.Errorf("the record is %+v", record)
			}
		})
	}
}
