// Package doctor says what a cluster can be certified for, what stands in the way,
// and how to mend it. It asks the API server alone and changes nothing; what only
// the nodes know, the witness looks at where it is told to.
package doctor

import (
	"slices"
	"strings"

	"github.com/katacert/katacert/suites/catalogue"
)

// Schema is the version of a diagnosis in JSON.
const Schema = "katacert.dev/doctor/v1"

// State says what a finding means.
type State string

// The states of a finding, from good to bad.
const (
	// OK is as it should be.
	OK State = "ok"
	// Unknown could not be learned; the mend says how it can.
	Unknown State = "unknown"
	// Missing keeps some controls from saying anything, but no certification.
	Missing State = "missing"
	// Problem keeps a target, or the whole cluster, from being certified.
	Problem State = "problem"
)

// Finding is one thing that was looked at.
type Finding struct {
	// About is what it belongs to: cluster, "node NAME", "runtimeclass NAME".
	About string `json:"about"`
	// Name is short and the same for every thing of a kind.
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	// Mend says what to do; empty where there is nothing to do.
	Mend string `json:"mend,omitempty"`
}

// Target is a node and a RuntimeClass that could be certified there.
type Target struct {
	Node         string `json:"node"`
	RuntimeClass string `json:"runtime_class"`
	Handler      string `json:"handler"`
	// State is OK, Unknown where the node does not list its handlers, or Problem.
	State State  `json:"state"`
	Why   string `json:"why"`
}

// Profile says whether the user may certify a profile.
type Profile struct {
	Name catalogue.Profile `json:"name"`
	// Lacks are the permissions that are missing for it; nobody knows them where
	// Unknown is set.
	Lacks   []string `json:"lacks,omitempty"`
	Unknown string   `json:"unknown,omitempty"`
}

// Cluster is which cluster it is, and who asked.
type Cluster struct {
	Name       string `json:"name"`
	Server     string `json:"server"`
	Kubernetes string `json:"kubernetes,omitempty"`
	User       string `json:"user,omitempty"`
}

// Diagnosis is everything that was found.
type Diagnosis struct {
	Schema  string  `json:"schema"`
	Cluster Cluster `json:"cluster"`
	// Looked is set where the witness looked on the nodes.
	Looked   bool      `json:"looked"`
	Targets  []Target  `json:"targets"`
	Profiles []Profile `json:"profiles"`
	Findings []Finding `json:"findings"`
	// Leftovers are what the look made and could not remove.
	Leftovers []string `json:"leftovers,omitempty"`
}

// aboutCluster is what findings are about that concern every target.
const aboutCluster = "cluster"

func aboutNode(name string) string  { return "node " + name }
func aboutClass(name string) string { return "runtimeclass " + name }

// Sound says whether the cluster can be certified: some target can, the user may
// what the smallest profile does, and nothing stands in the way of all targets.
func (d *Diagnosis) Sound() bool {
	certifiable := slices.ContainsFunc(d.Targets, func(t Target) bool { return t.State != Problem })
	blocked := slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.About == aboutCluster && f.State == Problem })
	return certifiable && !blocked && len(d.Profiles) > 0 && d.Profiles[0].may()
}

func (p Profile) may() bool { return len(p.Lacks) == 0 && p.Unknown == "" }

// sort brings together what findings are about: the cluster, nodes, RuntimeClasses.
func (d *Diagnosis) sort() {
	slices.SortStableFunc(d.Findings, func(a, b Finding) int { return strings.Compare(a.About, b.About) })
}

func (d *Diagnosis) add(about, name string, state State, detail, mend string) {
	d.Findings = append(d.Findings, Finding{About: about, Name: name, State: state, Detail: detail, Mend: mend})
}
