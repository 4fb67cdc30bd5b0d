package certification

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/fixtures/training/pytorch"
	"github.com/katacert/katacert/probes/evidence"
)

// trainingSeed makes dataset and training of every run the same.
const trainingSeed = 1

// scriptMap is the ConfigMap that holds the script of a training image.
const scriptMap = "katacert-training-script"

// Training says what the training jobs of a run are.
type Training struct {
	// Image is one of PyTorch by digest, which runs Script; empty for katacert's own
	// trainer.
	Image  string
	Script string
	// GPUs is how many GPUs the training pod asks for. Jobs on block volumes have none.
	GPUs int64
	// BlockStorageClass serves claims of volumes without a file system; empty chooses
	// the one that is marked so (pods.AnnotationBlockVolumes). Where there is none, no
	// job trains on such a volume.
	BlockStorageClass string
}

// notice says in a report what trained.
func (t Training) notice() string {
	if t.Image == "" {
		return fmt.Sprintf("Training: katacert's own small trainer (Go, on the CPU) stands in for %s; no GPU took part.", pods.TutorialImage)
	}
	on := "on the CPU; no GPU took part"
	if t.GPUs > 0 {
		on = fmt.Sprintf("with %d GPU(s) asked for; the verdict of training-converges says on what it ran", t.GPUs)
	}
	return fmt.Sprintf("Training: %s ran katacert's training script %s.", t.Image, on)
}

// trains says whether a vantage is a pod with a training job, in which no probes run.
func trains(v evidence.Vantage) bool {
	return v == evidence.Trainer || v == evidence.TrainerReference || v == evidence.TrainerBlock
}

// prepareTraining makes the tutorial's training pod, with a training job of katacert's
// in place of the tutorial's. It goes on after training, so that the witness sees its
// sandbox.
func (t *targetRun) prepareTraining(s *seat, o pods.Options) {
	training := t.r.o.Training
	job := pods.TrainingOptions{
		Options: o, GPUs: &training.GPUs, GPUResource: t.r.o.GPUResource,
		Job: &pods.Job{Vantage: s.vantage, Nonce: t.trainingNonce(s.vantage), Seed: trainingSeed, Hold: true},
	}
	job.Namespace, job.RuntimeClass, job.Image = t.r.namespaces.tenantA, t.target.Class.Name, t.r.o.Images.Trainer
	job.Name, job.Claim = pods.Name(s.vantage, t.target.ID), pods.Name(s.vantage+"-data", t.target.ID)
	switch s.vantage {
	case evidence.Trainer:
		job.Name, job.Claim = t.trainingName(pods.TutorialPod), t.trainingName(pods.TutorialClaim)
	case evidence.TrainerReference:
		job.Namespace, job.RuntimeClass = t.r.namespaces.node, t.r.plan.Reference
	case evidence.TrainerBlock:
		job.Block, job.GPUs = true, new(int64(0))
		if training.BlockStorageClass == "" {
			s.absent = "no StorageClass is known to serve volumes without a file system (name one with --block-storage-class)"
		}
	}
	if training.Image != "" {
		job.Job.Script = &pods.Script{ConfigMap: scriptMap, File: pytorch.Name, DatasetImage: job.Image, DatasetPull: o.PullPolicy}
		job.Image, job.PullPolicy = training.Image, corev1.PullIfNotPresent
	}
	s.image, s.claim = job.Image, &pods.ClaimOptions{
		Run: t.r.o.RunID, Target: t.target.ID, Vantage: s.vantage, Namespace: job.Namespace, Name: job.Claim,
		StorageClass: t.r.o.StorageClass, Block: job.Block,
	}
	if job.Block {
		s.claim.StorageClass = training.BlockStorageClass
	}
	s.pod = pods.Training(job)
}

// trainingNonce is the nonce of a training job, fixed when its pod is made.
func (t *targetRun) trainingNonce(v evidence.Vantage) string {
	sum := sha256.Sum256(append([]byte(v), t.seed...))
	return hex.EncodeToString(sum[:16])
}

// trainingName is the tutorial's name of an object, which several targets of one
// run cannot all have in one namespace.
func (t *targetRun) trainingName(tutorial string) string {
	if len(t.r.plan.Targets) == 1 {
		return tutorial
	}
	return pods.Name(evidence.Vantage(tutorial), t.target.ID)
}

// findBlockStorage looks for the StorageClass of volumes without a file system.
func (r *runner) findBlockStorage(ctx context.Context) error {
	if r.o.Training.BlockStorageClass != "" || !r.plan.needs(evidence.TrainerBlock) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeouts.Request)
	defer cancel()
	classes, err := r.client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the StorageClasses for a volume without a file system: %w", err)
	}
	for _, class := range classes.Items {
		if class.Annotations[pods.AnnotationBlockVolumes] == "true" {
			r.o.Training.BlockStorageClass = class.Name
		}
	}
	return nil
}

// makeScript puts the script of a training image where its pods are.
func (r *runner) makeScript(ctx context.Context) error {
	if r.o.Training.Image == "" || !r.plan.needs(evidence.Trainer) {
		return nil
	}
	script := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: scriptMap, Labels: pods.Labels(r.o.RunID, "", "")},
		Data:       map[string]string{pytorch.Name: cmp.Or(r.o.Training.Script, pytorch.Script)},
	}
	for _, namespace := range []string{r.namespaces.tenantA, r.namespaces.node} {
		if _, err := r.client.CoreV1().ConfigMaps(namespace).Create(ctx, script, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create the ConfigMap %s/%s with the training script: %w", namespace, scriptMap, err)
		}
	}
	return nil
}

// claimVolume makes the claim of a training job's volume.
func (t *targetRun) claimVolume(ctx context.Context, s *seat) error {
	if s.claim == nil {
		return nil
	}
	claim := pods.TrainingClaim(*s.claim)
	if _, err := t.r.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the volume claim %s/%s of the training job: %w", claim.Namespace, claim.Name, err)
	}
	return nil
}

// referenceFirst says whether the job on plain runc comes before everything else, and
// goes again: both jobs want the GPU, of which the node may have one.
func (r *runner) referenceFirst() bool {
	return r.o.Training.GPUs > 0 && r.plan.needs(evidence.TrainerReference)
}

// trainOnRunc carries the job on plain runc out, and removes it.
func (t *targetRun) trainOnRunc(ctx context.Context) {
	s := t.prepare(evidence.TrainerReference)
	t.start(ctx, s)
	t.trainAt(ctx, s)
	gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.r.o.Timeouts.Cleanup)
	defer cancel()
	t.removeThese(gone, []*seat{s}, true)
}

// train waits for the evidence that the training jobs print.
func (t *targetRun) train(ctx context.Context) {
	var wait sync.WaitGroup
	for _, s := range t.seats {
		if trains(s.vantage) {
			wait.Go(func() { t.trainAt(ctx, s) })
		}
	}
	wait.Wait()
}

func (t *targetRun) trainAt(ctx context.Context, s *seat) {
	record := t.blank(s, evidence.Look, t.trainingNonce(s.vantage))
	defer func() { t.r.evidence.add(record) }()
	if s.err != nil {
		record.Error = s.err.Error()
		return
	}
	if s.absent != "" {
		record.Observations = []evidence.Observation{{Probe: "training", State: evidence.Absent, Detail: s.absent}}
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, t.r.o.Timeouts.Training,
		fmt.Errorf("the training job did not end within %v (raise --timeout-scale if the node is slow)", t.r.o.Timeouts.Training))
	defer cancel()
	limits := evidence.DefaultLimits()
	out, err := t.logs(ctx, s.pod, pods.TutorialContainer, limits.Bytes, endsEvidence)
	record.Finished = time.Now().UTC()
	if err != nil {
		record.Error = fmt.Sprintf("read the log of pod %s/%s: %v", s.pod.Namespace, s.pod.Name, err)
		return
	}
	t.accept(&record, out, limits)
}
