// Package evidence is the wire format between a probe inside a pod and katacert
// outside of it, and the form in which evidence is kept on disk.
//
// A pod under test may be hostile: what arrives from it is bounded in size,
// checked strictly, and believed only about what the probe saw, never about
// which pod, node or image it came from (see Record).
package evidence

import (
	"slices"
	"strings"
	"time"
)

// WireSchema names the format of the lines that a probe prints.
const WireSchema = "katacert.dev/probe/v1"

// RecordSchema names the format of the lines of evidence.jsonl.
const RecordSchema = "katacert.dev/evidence/v1"

// Vantage is where a probe looks from.
type Vantage string

// The vantages. A weakened vantage carries its one weakness in its name, see
// Weakened.
const (
	// Witness is a trusted privileged pod on the node that collects the truth.
	Witness Vantage = "witness"
	// Reference is the subject's pod on plain runc.
	Reference Vantage = "reference"
	// Subject is the tenant's pod on the RuntimeClass under test.
	Subject Vantage = "subject"
	// Neighbour is a second tenant's pod on the RuntimeClass under test.
	Neighbour Vantage = "neighbour"
	// GuestRoot is a privileged pod on the RuntimeClass under test: what an
	// attacker sees who has taken over the guest.
	GuestRoot Vantage = "guest-root"
	// SubjectSuccessor and NeighbourSuccessor are new pods of the two tenants on
	// the same node, started after the pods of both were gone.
	SubjectSuccessor   Vantage = "subject-successor"
	NeighbourSuccessor Vantage = "neighbour-successor"
	// Trainer is the training pod on the RuntimeClass under test.
	Trainer Vantage = "trainer"
	// GPUSubject and GPUNeighbour are pods of the two tenants on the RuntimeClass under
	// test that asked for a GPU, GPUReference is such a pod on plain runc, and
	// GPUUnrequested one of the first tenant's that asked for none and names all GPUs in
	// its environment.
	GPUSubject     Vantage = "gpu-subject"
	GPUNeighbour   Vantage = "gpu-neighbour"
	GPUReference   Vantage = "gpu-reference"
	GPUUnrequested Vantage = "gpu-unrequested"
	// GPUSuccessor and GPUSurvivor are pods of the second tenant that are given the GPUs
	// of a dead pod of the first's, which was deleted, or killed with its grace period cut
	// to nothing.
	GPUSuccessor Vantage = "gpu-successor"
	GPUSurvivor  Vantage = "gpu-survivor"
	// TrainerReference is the same training pod on plain runc.
	TrainerReference Vantage = "trainer-reference"
	// TrainerBlock is a training pod on the RuntimeClass under test whose volume has
	// no file system.
	TrainerBlock Vantage = "trainer-block"
	// API is what the API server says; katacert itself is the observer.
	API Vantage = "api"
	// Recording is evidence that was recorded on another node, broken on purpose, and
	// is kept with katacert: it stands in for a control vantage that no pod can be.
	Recording Vantage = "recording"
)

const gpuPrefix = "gpu-"

// GPU says whether the vantage is one of those that are about GPUs: probes of anything
// else do not run there.
func (v Vantage) GPU() bool { return strings.HasPrefix(string(v), gpuPrefix) }

const weakenedPrefix = "weakened/"

// Weakened names the vantage of a plain runc pod with one named weakness, for
// example weakened/host-pid.
func Weakened(weakness string) Vantage { return Vantage(weakenedPrefix + weakness) }

// Weakness returns the weakness of a weakened vantage, and whether it is one.
func (v Vantage) Weakness() (string, bool) {
	return strings.CutPrefix(string(v), weakenedPrefix)
}

const annotatedPrefix = "annotated/"

// Annotated names the vantage of the subject's pod with one named annotation for
// its runtime, for example annotated/kernel-params.
func Annotated(annotation string) Vantage { return Vantage(annotatedPrefix + annotation) }

// Annotation returns the annotation of an annotated vantage, and whether it is one.
func (v Vantage) Annotation() (string, bool) {
	return strings.CutPrefix(string(v), annotatedPrefix)
}

// Witnessed names the vantage of the witness while the pod with one named
// annotation runs, for example witness/kernel-params.
func Witnessed(annotation string) Vantage { return Witness + Vantage("/"+annotation) }

// Round is one of the rounds in which the probes of a vantage run together.
type Round string

// The rounds, in the order in which they happen.
const (
	// Look is the first reading, by everyone.
	Look Round = "look"
	// Act is when the witness plants, forks and writes, and after it the tenants
	// lay out their own data.
	Act Round = "act"
	// LookAgain is the second reading, by everyone.
	LookAgain Round = "look-again"
	// Trial is a reading by pods with one annotation each, and by the subject beside
	// them.
	Trial Round = "trial"
	// Settle is when the witness reads side effects and reverts what it planted,
	// and the tenants tell who came to their listeners.
	Settle Round = "settle"
	// Aftermath is a reading after the tenants' pods are gone.
	Aftermath Round = "aftermath"
)

// Rounds lists all rounds in order.
func Rounds() []Round { return []Round{Look, Act, LookAgain, Trial, Settle, Aftermath} }

// State says what became of one probe.
type State string

const (
	// Seen means that the probe read the interface; Values hold what it saw.
	Seen State = "seen"
	// Absent means that the interface does not exist where the probe ran.
	Absent State = "absent"
	// Denied means that the kernel refused access; Errno says how.
	Denied State = "denied"
	// Failed means that the probe could not do its work; it proves nothing.
	Failed State = "failed"
)

func (s State) known() bool { return slices.Contains([]State{Seen, Absent, Denied, Failed}, s) }

// Observation is what one probe saw in one round.
type Observation struct {
	// Probe is the id of the probe, equal to its registered name.
	Probe string `json:"probe"`
	State State  `json:"state"`
	// Errno is the symbolic error number (EPERM) when State is Denied or Failed.
	Errno string `json:"errno,omitempty"`
	// Detail says in words what was absent, denied or failed.
	Detail string `json:"detail,omitempty"`
	// Values are the readings by name.
	Values Values `json:"values,omitempty"`
	// Micros is how long the probe took, in microseconds.
	Micros int64 `json:"took_us"`
}

// Pod says where evidence came from. katacert fills it in from the API server;
// a pod's own claim about it is only ever compared with this.
type Pod struct {
	Namespace    string `json:"namespace"`
	Name         string `json:"name"`
	UID          string `json:"uid"`
	Node         string `json:"node"`
	RuntimeClass string `json:"runtime_class,omitempty"`
	Image        string `json:"image,omitempty"`
	// ImageDigest is the sha256 digest that the node's runtime says it runs.
	ImageDigest string `json:"image_digest,omitempty"`
}

// Record is the evidence of one pod in one round: one line of evidence.jsonl.
type Record struct {
	Schema  string  `json:"schema"`
	Run     string  `json:"run"`
	Target  string  `json:"target"`
	Vantage Vantage `json:"vantage"`
	Round   Round   `json:"round"`
	Nonce   string  `json:"nonce"`
	Pod     Pod     `json:"pod"`
	// Started and Finished are by katacert's own clock, around the exec.
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// CPUMicros is the CPU time that the probes of the round used, user and
	// system, in microseconds, by the probe's own account.
	CPUMicros    int64         `json:"cpu_us"`
	Observations []Observation `json:"observations,omitempty"`
	// Error says why there is no trustworthy evidence; Observations are then empty.
	Error string `json:"error,omitempty"`
}

// Observation finds the observation of a probe in the record.
func (r Record) Observation(probe string) (Observation, bool) {
	for _, o := range r.Observations {
		if o.Probe == probe {
			return o, true
		}
	}
	return Observation{}, false
}
