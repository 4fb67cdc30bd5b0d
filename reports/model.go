// Package reports holds the report of a run and writes it in every format. The
// report is built from the catalogue and the plan, so that every planned
// control has a verdict in every format even when set-up died.
package reports

import (
	"cmp"
	"strconv"
	"time"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Schema names the format of report.json. It changes when a field changes its
// meaning or goes away, not when one is added.
const Schema = "katacert.dev/report/v1"

// Outcome is what a run comes to.
type Outcome string

const (
	// Certified means that every control at a required level passed or is not
	// applicable, and that there is none without a verdict.
	Certified Outcome = "certified"
	// NotCertified means that a control at a required level failed.
	NotCertified Outcome = "not-certified"
	// Partial means that something was not proven: an invalid or error verdict,
	// or a run that was cut short.
	Partial Outcome = "partial"
)

// Report is everything that is known of a run.
type Report struct {
	Schema  string  `json:"schema"`
	Run     Run     `json:"run"`
	Cluster Cluster `json:"cluster"`
	// Outcome and Summary are derived from Verdicts by Conclude.
	Outcome Outcome `json:"outcome"`
	Summary Summary `json:"summary"`
	// Notices are what a reader must know before believing the rest: stand-ins,
	// a simulated GPU, an interruption.
	Notices  []string  `json:"notices,omitempty"`
	Targets  []Target  `json:"targets"`
	Images   []Image   `json:"images,omitempty"`
	Controls []Control `json:"controls"`
	Verdicts []Verdict `json:"verdicts"`
	// Skipped lists what was left out of the plan, and why.
	Skipped []Skip `json:"skipped,omitempty"`
	// Timings are the phases of the run in order.
	Timings []Timing `json:"timings,omitempty"`
	// Figures are what was measured and is not judged.
	Figures []Figure `json:"figures,omitempty"`
	// Leftovers lists what the run made and could not remove.
	Leftovers []string `json:"leftovers,omitempty"`
}

// Run identifies the run and the tool.
type Run struct {
	ID       string            `json:"id"`
	Tool     string            `json:"tool"`
	Version  string            `json:"version"`
	Started  time.Time         `json:"started"`
	Finished time.Time         `json:"finished"`
	Profile  catalogue.Profile `json:"profile"`
	// Require is the level at which a fail takes the certificate.
	Require catalogue.Level `json:"require"`
	// Interrupted says why the run ended early, if it did.
	Interrupted string `json:"interrupted,omitempty"`
	// SetupError says why nothing could be run, if nothing could.
	SetupError string `json:"setup_error,omitempty"`
}

// Cluster is what was certified.
type Cluster struct {
	// Provider is local or existing.
	Provider   string `json:"provider"`
	Name       string `json:"name"`
	Server     string `json:"server,omitempty"`
	Kubernetes string `json:"kubernetes,omitempty"`
}

// Target is one node and one RuntimeClass under certification.
type Target struct {
	ID           string `json:"id"`
	Node         Node   `json:"node"`
	RuntimeClass string `json:"runtime_class"`
	Handler      string `json:"handler"`
	// Runtime is what really ran the subject's sandbox on the node.
	Runtime Runtime `json:"runtime"`
	// Parts are the files that Kata Containers runs and boots for the handler.
	Parts []Part `json:"parts,omitempty"`
	// APIRequests is how many requests to the API server the target took.
	APIRequests int `json:"api_requests,omitempty"`
	// ProbeCPU is the most CPU time that the probes of one vantage used in all
	// rounds together.
	ProbeCPU time.Duration `json:"probe_cpu_ns,omitempty"`
}

// Node is the node as the API server describes it.
type Node struct {
	Name             string `json:"name"`
	Kernel           string `json:"kernel,omitempty"`
	OS               string `json:"os,omitempty"`
	Architecture     string `json:"architecture,omitempty"`
	ContainerRuntime string `json:"container_runtime,omitempty"`
	Kubelet          string `json:"kubelet,omitempty"`
	// Cgroup is the version of its control groups, as the witness found it; 0 is
	// unknown.
	Cgroup int `json:"cgroup,omitempty"`
}

// Cgroups says which control groups the node has; it is empty where that is unknown.
func (n Node) Cgroups() string {
	if n.Cgroup == 0 {
		return ""
	}
	return "cgroup v" + strconv.Itoa(n.Cgroup)
}

// Runtime is a sandbox runtime as the witness found it on the node.
type Runtime struct {
	Kind judge.Kind `json:"kind,omitempty"`
	Shim string     `json:"shim,omitempty"`
	// Digest is the SHA-256 of the shim's program file.
	Digest string `json:"sha256,omitempty"`
}

// Control is a catalogue entry as the report carries it.
type Control struct {
	ID        string            `json:"id"`
	Group     catalogue.Group   `json:"group"`
	Title     string            `json:"title"`
	Why       string            `json:"why"`
	Proves    string            `json:"proves"`
	ProvesNot string            `json:"proves_not"`
	OnFail    string            `json:"on_fail"`
	Level     catalogue.Level   `json:"level"`
	Profile   catalogue.Profile `json:"profile"`
	Safety    catalogue.Safety  `json:"safety"`
	Shown     string            `json:"shown"`
	Refs      []catalogue.Ref   `json:"refs"`
	// Vantages says whose readings the comparisons hold; nil for a control that
	// compares with an expectation instead of with a vantage.
	Vantages *Vantages `json:"vantages,omitempty"`
}

// Vantages names who stands behind truth, control and subject of a comparison.
type Vantages struct {
	// Truth is empty where the subject is compared with an expectation.
	Truth   evidence.Vantage `json:"truth,omitempty"`
	Control evidence.Vantage `json:"control,omitempty"`
	Subject evidence.Vantage `json:"subject"`
}

// Verdict is the verdict of one control for one target.
type Verdict struct {
	Control string `json:"control"`
	Target  string `json:"target"`
	judge.Verdict
}

// Skip is something that the plan left out.
type Skip struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Timing is one phase of a run.
type Timing struct {
	Phase    string        `json:"phase"`
	Target   string        `json:"target,omitempty"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration_ns"`
}

// Figure is something that was measured on a target and is not judged, such as the
// speed of a training.
type Figure struct {
	Name   string `json:"name"`
	Target string `json:"target"`
	// Vantage is where it was measured.
	Vantage evidence.Vantage `json:"vantage"`
	Unit    string           `json:"unit"`
	// Samples are all measurements in their order.
	Samples []float64 `json:"samples"`
	// Over says what the samples follow each other by, for example "epoch", where
	// they are a course and not repetitions of one measurement.
	Over string `json:"over,omitempty"`
	// LessIsBetter marks times and losses.
	LessIsBetter bool `json:"less_is_better,omitempty"`
}

// Summary counts the verdicts.
type Summary struct {
	Counts map[judge.Result]int `json:"counts"`
	// Findings counts the fails of level hardening.
	Findings int `json:"findings"`
}

// Entry turns a catalogue entry into what the report carries.
func Entry(c catalogue.Control) Control {
	entry := Control{ID: c.ID, Group: c.Group, Title: c.Title, Why: c.Why, Proves: c.Proves, ProvesNot: c.ProvesNot,
		OnFail: c.OnFail, Level: c.Level, Profile: c.Profile, Safety: c.Safety, Shown: c.ShownBy(), Refs: c.Refs}
	if c.Rule != nil {
		entry.Vantages = &Vantages{Truth: cmp.Or(c.Rule.Truth, evidence.Witness), Control: c.Rule.Control, Subject: cmp.Or(c.Rule.Subject, evidence.Subject)}
		if c.Rule.Expects {
			entry.Vantages.Truth = ""
		}
	}
	return entry
}
