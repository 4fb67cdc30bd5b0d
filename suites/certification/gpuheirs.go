package certification

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// heirs are the second tenant's pods that are given a dead pod's GPUs, and how that one
// died.
var heirs = []struct {
	vantage evidence.Vantage
	died    string
}{
	{evidence.GPUSuccessor, deleted},
	{evidence.GPUSurvivor, killed},
}

// gpuToken is what the first tenant leaves in the memory of GPUs.
func gpuToken(secret []byte) string {
	return probes.Token(probes.TenantSeed(secret, probes.Tenants()[0]), probes.DataGPU)
}

// bequeathGPUs has a pod of the first tenant fill all free GPUs of the node and die, and
// gives them to a pod of the second tenant, which looks for what is left: once after a
// graceful end, once after a kill. It returns what the dead had planted, by their own
// word; the heirs' evidence is kept like everyone's.
func (t *targetRun) bequeathGPUs(ctx context.Context) evidence.Observation {
	planted, failures := []string{}, []string(nil)
	for _, heir := range heirs {
		lines, err := t.fillGPUs(ctx, heir.died)
		planted = append(planted, lines...)
		s := t.prepare(heir.vantage)
		if err != nil {
			failures = append(failures, fmt.Sprintf("the tenant that was to be %s: %s", heir.died, printable(err.Error())))
			s.err = fmt.Errorf("it was not started, because the tenant before it left nothing to look for: %w", err)
		} else {
			s, _ = t.letIn(ctx, func() *seat { return t.prepare(heir.vantage) })
		}
		t.seats = append(t.seats, s)
		t.round(ctx, evidence.Aftermath, s)
		t.end(ctx, s, deleted)
	}
	return evidence.Observation{Probe: "gpu-holders", State: evidence.Seen, Detail: strings.Join(failures, "; "),
		Values: evidence.Values{"planted": evidence.List(planted...)}}
}

// fillGPUs has a pod of the first tenant fill all free GPUs of the node with its token,
// hold them, and die as told. It returns a line for each GPU that was filled.
func (t *targetRun) fillGPUs(ctx context.Context, died string) ([]string, error) {
	command := []string{gpuProgram, "hold", "--token", gpuToken(t.r.secret)}
	if died == killed {
		command = append(command, "--until-killed")
	}
	s, err := t.letIn(ctx, func() *seat {
		s, o := &seat{vantage: evidence.GPUSubject}, t.gpuOptions("gpu-holder-"+died)
		t.gpuImage(s, &o)
		s.pod = pods.GPUHolder(o, t.r.o.gpuResource(), max(1, t.share.free()), command, died == killed)
		return s
	})
	defer t.end(ctx, s, died)
	if err != nil {
		return nil, err
	}
	said, err := t.holding(ctx, s.pod)
	if err != nil {
		return nil, err
	}
	return filled(said, died)
}

// holdsGPUs is the line by which gpu-probe says that it holds all memory (gpu.HoldReady),
// maxHeld how much it may say before, in bytes: a line for each GPU.
const (
	holdsGPUs = "holding"
	maxHeld   = 16 << 10
)

// holding waits until a pod holds its GPUs, and returns what it said until then.
func (t *targetRun) holding(ctx context.Context, pod *corev1.Pod) (string, error) {
	limit := t.r.o.Timeouts.GPUs
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it did not fill its GPUs within %v (raise --timeout-scale if the node is slow)", limit))
	defer cancel()
	ready := func(line []byte) bool { return string(line) == holdsGPUs }
	out, err := t.logs(ctx, pod, pods.ContainerName, maxHeld, ready)
	switch {
	case err != nil:
		return "", fmt.Errorf("read what pod %s/%s says of its GPUs: %w", pod.Namespace, pod.Name, err)
	case len(out) > maxHeld:
		return "", fmt.Errorf("pod %s/%s says more of its GPUs than any honest probe does", pod.Namespace, pod.Name)
	case !ready(lastLine(out)):
		return "", fmt.Errorf("pod %s/%s ended before it held its GPUs: %.300q", pod.Namespace, pod.Name, lastLine(out))
	}
	return string(out), nil
}

// filledLine is what gpu-probe says of each GPU that it filled, and where it found its
// own token again.
var filledLine = regexp.MustCompile(`^planted uuid=([A-Za-z0-9-]{1,64}) bytes=([0-9]{1,18}) canaries=([0-9]{1,18})$`)

// filled reads what a holder said of GPUs, a line for each, each once. A driver that says
// something besides is passed over.
func filled(said, died string) ([]string, error) {
	var lines, uuids []string
	for line := range strings.Lines(said) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "planted ") {
			continue
		}
		fields := filledLine.FindStringSubmatch(line)
		if fields == nil || slices.Contains(uuids, fields[1]) {
			return nil, fmt.Errorf("the tenant that fills GPUs says %.200q, which no honest probe does", line)
		}
		uuids = append(uuids, fields[1])
		lines = append(lines, fmt.Sprintf("died=%s uuid=%s canaries=%s bytes=%s", died, fields[1], fields[3], fields[2]))
	}
	if len(lines) == 0 {
		return nil, errors.New("the tenant that fills GPUs filled none")
	}
	return lines, nil
}
