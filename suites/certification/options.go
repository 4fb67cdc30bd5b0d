package certification

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/katacert/katacert/fixtures/mutants"
	"github.com/katacert/katacert/suites/catalogue"
)

// Options says what to certify, and how.
type Options struct {
	// Cluster is how to reach the API server, and what the report calls it.
	Cluster Cluster
	// RuntimeClasses under certification; empty chooses every RuntimeClass that
	// stands for a sandbox.
	RuntimeClasses []string
	// Nodes to certify; empty chooses every ready node.
	Nodes []string
	// ReferenceRuntimeClass runs the witness, the reference and the weakened
	// pods as plain containers; empty chooses the class "runc" where there is
	// one, and the nodes' default runtime otherwise.
	ReferenceRuntimeClass string
	Choice                catalogue.Choice
	Require               catalogue.Level
	// Images are the references of the images to run, by digest.
	Images Images
	// GPUResource is the extended resource by which pods ask for GPUs; empty for
	// nvidia.com/gpu.
	GPUResource string
	// StorageClass of the training job's volume; empty for the default.
	StorageClass string
	// Training says what the training jobs are.
	Training Training
	// TenantLabels are further labels of the tenants' namespaces, for policies of
	// the cluster that select namespaces by label. They win over the Pod Security
	// level that a run sets; see ParseTenantLabels.
	TenantLabels map[string]string
	// Out is the folder in which the run's own folder is made.
	Out      string
	Timeouts Timeouts
	Progress Progress
	// AwaitPods makes the run wait until its pods are gone even when its cluster is
	// disposable, because another run follows that counts what the node has.
	AwaitPods bool
	// Mutant breaks the run's set-up on purpose, for the suite's own test. The
	// report says so.
	Mutant *mutants.Mutant
	// RunID is chosen where something that carries it is made before the run; empty
	// generates one (see NewRunID).
	RunID string
	// Version of katacert, for the report.
	Version string
}

// Cluster is a reachable cluster.
type Cluster struct {
	Provider, Name string
	Config         *rest.Config
	// Disposable clusters are taken down after the run with everything in them,
	// so that the run need not wait for its namespaces to go.
	Disposable bool
}

// Images are references by digest, and how to pull them.
type Images struct {
	Probe, Trainer string
	// GPUProbe is the image with the program that computes on GPUs, empty where no node
	// has real ones; NoGPUProbe says why there is none where one has.
	GPUProbe, NoGPUProbe string
	// Manifests are the digests of the single-platform images behind Probe, Trainer
	// and GPUProbe, by the digest of their index: some runtimes report the one in place
	// of the other.
	Manifests  map[string][]string
	PullPolicy corev1.PullPolicy
	// PullSecret is copied into the run's namespaces under the same name.
	PullSecret *corev1.Secret
}

// Progress is told what happens; implementations write to a terminal or a log.
type Progress interface {
	// Plan says how many steps there will be.
	Plan(total int)
	// Phase says what a target is doing now.
	Phase(target, phase string)
	// Done counts finished steps.
	Done(n int)
	// Note prints one line of its own.
	Note(line string)
}

// ErrUsage marks errors in what the user asked for: a profile, control, node or
// RuntimeClass that does not exist.
var ErrUsage = errors.New("usage")

// NewRunID makes a run id: the time, sortable, and 32 random bits.
func NewRunID(now time.Time) string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return now.UTC().Format("20060102-150405") + "-" + hex.EncodeToString(random[:])
}
