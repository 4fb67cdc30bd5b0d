package certification

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/exec"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// seat is one vantage of a target with its pod.
type seat struct {
	vantage evidence.Vantage
	pod     *corev1.Pod
	image   string
	// program is the path of what looks, in that image; empty for the probe.
	program string
	// data is what the pod holds of its tenant; nil for most.
	data *pods.Data
	// final is a text with which a warning says that the pod will never run: the
	// mark of an annotation. Empty for all others.
	final string
	// claim is the volume of a training job; nil for the others.
	claim *pods.ClaimOptions
	// absent says why there is no such pod on this cluster, which is no error.
	absent string
	// err says why the pod does not run; every round of the seat then is an
	// error with this reason.
	err error
}

// leakFrom is the folder of the node that the control vantage of
// fs-leaked-descriptor holds open.
const leakFrom = pods.HostRoot + "/var"

// order is what the probes of one round are told.
type order struct {
	run, nonce string
	round      evidence.Round
	// seed is the witness's secret, secret the one that those of the tenants are
	// derived from.
	seed, secret []byte
	skip, optIn  []string
	params       map[string]string
}

// argv is the command line of one round. Parameters are arguments and never
// stdin, which not every runtime carries reliably through an exec.
func (s *seat) argv(o order) []string {
	argv := []string{cmp.Or(s.program, "/probe"), "round", "--round", string(o.round), "--vantage", string(s.vantage), "--run", o.run, "--nonce", o.nonce}
	for _, name := range slices.Sorted(maps.Keys(o.params)) {
		argv = append(argv, "--param", name+"="+o.params[name])
	}
	for _, probe := range o.optIn {
		argv = append(argv, "--opt-in", probe)
	}
	if s.vantage == evidence.Witness {
		return append(argv, "--seed", hex.EncodeToString(o.seed), "--host-root", pods.HostRoot)
	}
	if s.vantage == evidence.Weakened(string(pods.LeakedDescriptor)) {
		argv = append(argv, "--leak", leakFrom)
	}
	for _, probe := range o.skip {
		argv = append(argv, "--skip", probe)
	}
	own := tenantOf(s.vantage)
	if own != "" {
		argv = append(argv, "--tenant", own, "--tenant-seed", hex.EncodeToString(probes.TenantSeed(o.secret, own)))
	}
	return append(argv, "--seek", seekList(o.seed, o.secret, own, s.vantage))
}

// tenantOf is the letter of the tenant for whose data a vantage stands.
func tenantOf(v evidence.Vantage) string {
	switch v {
	case evidence.Subject, evidence.SubjectSuccessor:
		return "a"
	case evidence.Neighbour, evidence.NeighbourSuccessor:
		return "b"
	case evidence.Reference:
		return "c"
	default:
		return ""
	}
}

// seekList gives the hashes of all tokens but those of the seeker's own data. Who looks
// through a GPU seeks what the first tenant leaves there, and nobody else does.
func seekList(seed, secret []byte, own string, v evidence.Vantage) string {
	var seek []string
	for _, name := range probes.TokenNames() {
		seek = append(seek, name+"="+probes.TokenHash(probes.Token(seed, name)))
	}
	for _, tenant := range probes.Tenants() {
		if tenant == own {
			continue
		}
		of := probes.TenantSeed(secret, tenant)
		for _, kind := range probes.TenantData() {
			seek = append(seek, probes.TenantToken(kind, tenant)+"="+probes.TokenHash(probes.Token(of, kind)))
		}
	}
	if v.GPU() {
		seek = append(seek, probes.GPUToken()+"="+probes.TokenHash(gpuToken(secret)))
	}
	slices.Sort(seek)
	return strings.Join(seek, ",")
}

// look runs one round at the seat and returns its evidence, which is an error
// record when there is none that can be trusted.
func (t *targetRun) look(ctx context.Context, s *seat, round evidence.Round) evidence.Record {
	nonce := newNonce()
	record := t.blank(s, round, nonce)
	if s.err != nil {
		record.Error = s.err.Error()
		return record
	}
	if err := ctx.Err(); err != nil {
		record.Error = "the run ended before this round: " + context.Cause(ctx).Error()
		return record
	}
	// A pod may have died, or been replaced, since it ran.
	now, _, problem := t.r.watch.pod(s.pod.UID)
	if now == nil {
		record.Error = fmt.Sprintf("pod %s/%s is gone", s.pod.Namespace, s.pod.Name)
		return record
	}
	if problem != nil {
		record.Error = t.explain(ctx, problem).Error()
		return record
	}
	limit := t.r.o.Timeouts.Round
	if s.program == gpuProgram {
		limit = t.r.o.Timeouts.GPUs
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit,
		fmt.Errorf("the probes did not finish within %v (raise --timeout-scale if the node is slow)", limit))
	defer cancel()
	limits := evidence.DefaultLimits()
	for again := round == evidence.Look || round == evidence.LookAgain; ; again = false {
		record.Started = time.Now().UTC()
		out, err := t.r.exec.exec(ctx, s.pod, t.command(s, order{
			run: t.r.o.RunID, nonce: record.Nonce, round: round, seed: t.seed, secret: t.r.secret, skip: t.skip, optIn: t.r.plan.optIn(), params: t.params(s),
		}), limits.Bytes)
		record.Finished = time.Now().UTC()
		switch {
		case err == nil:
			t.accept(&record, out, limits)
			return record
		case !again || !brokenOff(ctx, err):
			record.Error = t.explain(ctx, fmt.Errorf("exec in pod %s/%s: %w", s.pod.Namespace, s.pod.Name, err)).Error()
			return record
		}
		t.r.o.Progress.Note(fmt.Sprintf("%s: the connection to pod %s/%s broke off, looking once more: %v", t.target.ID, s.pod.Namespace, s.pod.Name, err))
		record.Nonce = newNonce()
	}
}

// brokenOff says whether an exec ended neither by its command, nor because it
// was ended here. On a busy node the kubelet and containerd close a connection
// whose streams are not open after 30 s (DefaultStreamCreationTimeout in
// k8s.io/kubelet); that says nothing about the pod. Only rounds that look are
// repeated: what still runs of the first attempt does not disturb the second.
func brokenOff(ctx context.Context, err error) bool {
	var ended exec.ExitError
	return ctx.Err() == nil && !errors.As(err, &ended) && !errors.Is(err, errTooMuch)
}

// accept decodes what a pod printed into the record.
func (t *targetRun) accept(record *evidence.Record, out []byte, limits evidence.Limits) {
	want := evidence.Claim{Nonce: record.Nonce, Vantage: record.Vantage, Round: record.Round, PodUID: record.Pod.UID, Node: record.Pod.Node}
	observations, end, err := evidence.Decode(bytes.NewReader(out), want, limits)
	if err != nil {
		record.Error = fmt.Sprintf("the evidence of pod %s/%s cannot be believed: %v", record.Pod.Namespace, record.Pod.Name, err)
		return
	}
	record.Observations, record.CPUMicros = observations, end.CPUMicros
}

func (t *targetRun) blank(s *seat, round evidence.Round, nonce string) evidence.Record {
	record := evidence.Record{
		Schema: evidence.RecordSchema, Run: t.r.o.RunID, Target: t.target.ID,
		Vantage: s.vantage, Round: round, Nonce: nonce, Started: time.Now().UTC(), Finished: time.Now().UTC(),
	}
	if s.pod != nil {
		record.Pod = describe(s.pod, s.image)
	}
	return record
}

func describe(pod *corev1.Pod, image string) evidence.Pod {
	described := evidence.Pod{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID), Node: pod.Spec.NodeName, Image: image}
	if pod.Spec.RuntimeClassName != nil {
		described.RuntimeClass = *pod.Spec.RuntimeClassName
	}
	if len(pod.Status.ContainerStatuses) > 0 {
		described.ImageDigest = digestOf(pod.Status.ContainerStatuses[0].ImageID)
	}
	return described
}

// digestOf returns the sha256 digest at the end of an image reference.
func digestOf(ref string) string {
	if _, digest, ok := strings.Cut(ref, "sha256:"); ok {
		return "sha256:" + digest
	}
	return ""
}

// genuine checks that a running pod is the one that was asked for: its node,
// and the digest of the image that the node's runtime says it runs, which is that
// of the reference or of one of the manifests behind it.
func genuine(pod *corev1.Pod, node, image string, manifests []string) error {
	if pod.Spec.NodeName != node {
		return fmt.Errorf("pod %s/%s runs on node %s instead of %s", pod.Namespace, pod.Name, pod.Spec.NodeName, node)
	}
	got, want := "", digestOf(image)
	if len(pod.Status.ContainerStatuses) > 0 {
		got = digestOf(pod.Status.ContainerStatuses[0].ImageID)
	}
	if want == "" || got != want && !slices.Contains(manifests, got) {
		return fmt.Errorf("pod %s/%s runs image %q, not the digest %q that was asked for: its evidence is not taken", pod.Namespace, pod.Name, got, want)
	}
	return nil
}

// newSecret makes the 256 random bits that tokens are derived from.
func newSecret() []byte {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails, see crypto/rand
	return secret
}

func newNonce() string {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails, see crypto/rand
	return hex.EncodeToString(nonce[:])
}
