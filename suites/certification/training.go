package certification

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
)

// trainingSeed makes dataset and training of every run the same.
const trainingSeed = 1

// trainingPod is the tutorial's training pod with katacert's own trainer in
// place of the tutorial's image. It goes on after training, so that the witness
// sees its sandbox.
func (t *targetRun) trainingPod(o pods.Options) *corev1.Pod {
	o.Name = t.trainingName(pods.TutorialPod)
	return pods.Training(pods.TrainingOptions{
		Options: o,
		Claim:   t.trainingName(pods.TutorialClaim),
		GPUs:    new(int64(0)),
		StandIn: &pods.StandIn{Nonce: t.trainingNonce(), Seed: trainingSeed, Hold: true},
	})
}

// trainingNonce is the nonce of the training job, fixed when its pod is made.
func (t *targetRun) trainingNonce() string { return fmt.Sprintf("%x", t.seed[:16]) }

// trainingName is the tutorial's name of an object, which several targets of one
// run cannot all have in one namespace.
func (t *targetRun) trainingName(tutorial string) string {
	if len(t.r.plan.Targets) == 1 {
		return tutorial
	}
	return pods.Name(evidence.Vantage(tutorial), t.target.ID)
}

func (t *targetRun) claimVolume(ctx context.Context) error {
	claim := pods.TrainingClaim(pods.ClaimOptions{
		Run: t.r.o.RunID, Target: t.target.ID, Namespace: t.r.namespaces.tenantA, StorageClass: t.r.o.StorageClass,
		Name: t.trainingName(pods.TutorialClaim),
	})
	_, err := t.r.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create the volume claim %s/%s of the training job: %w", claim.Namespace, claim.Name, err)
	}
	return nil
}

// train waits for the evidence that the training job prints.
func (t *targetRun) train(ctx context.Context) {
	s := t.seat(evidence.Trainer)
	record := t.blank(s, evidence.Look, t.trainingNonce())
	if s.err != nil {
		record.Error = s.err.Error()
		t.r.evidence.add(record)
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, t.r.o.Timeouts.Training,
		fmt.Errorf("the training job did not end within %v (raise --timeout-scale if the node is slow)", t.r.o.Timeouts.Training))
	defer cancel()
	limits := evidence.DefaultLimits()
	out, err := t.logs(ctx, s.pod, pods.TutorialContainer, limits)
	record.Finished = time.Now().UTC()
	if err != nil {
		record.Error = fmt.Sprintf("read the log of pod %s/%s: %v", s.pod.Namespace, s.pod.Name, err)
	} else {
		t.accept(&record, out, limits)
	}
	t.r.evidence.add(record)
}

// logs follows a container's log until its evidence is whole, the container
// ends or the limit is reached.
func (t *targetRun) logs(ctx context.Context, pod *corev1.Pod, container string, limits evidence.Limits) ([]byte, error) {
	stream, err := t.r.client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: container, Follow: true, LimitBytes: new(limits.Bytes + 1),
	}).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.Close() //nolint:errcheck // only read from
	var out []byte
	chunk := make([]byte, 32<<10)
	for int64(len(out)) <= limits.Bytes && !bytes.Contains(lastLine(out), []byte(`{"end":`)) {
		n, err := stream.Read(chunk)
		out = append(out, chunk[:n]...)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return out, err
		}
	}
	return out, nil
}

// lastLine returns the last whole line of the output.
func lastLine(out []byte) []byte {
	whole, ok := bytes.CutSuffix(out, []byte("\n"))
	if !ok {
		return nil
	}
	return whole[bytes.LastIndexByte(whole, '\n')+1:]
}
