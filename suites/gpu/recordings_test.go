package gpu

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/gpunode"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

var update = flag.Bool("update", false, "write the recorded evidence again from the trees")

// ofTrees are the recordings of nodes with GPUs.
func ofTrees() []recordings.Recording {
	return slices.DeleteFunc(recordings.All(), func(r recordings.Recording) bool {
		return r.Name != recordings.GPUsOfTheHost && r.Name != recordings.GPUsOfMachines
	})
}

func readTree(t *testing.T, name string) recordings.GPUTree {
	t.Helper()
	tree, err := recordings.ReadGPUTree(name)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// look lets the witness's probes look at a tree.
func look(t *testing.T, tree recordings.GPUTree) (functions, files evidence.Observation) {
	t.Helper()
	root := t.TempDir()
	if err := tree.Lay(root); err != nil {
		t.Fatal(err)
	}
	functions, files = gpunode.ReadFunctions(root), gpunode.ReadFiles(root)
	functions.Probe, files.Probe = "gpu-functions", "gpu-files"
	return functions, files
}

func uuid(i int) string { return fmt.Sprintf("GPU-%08x-1111-4222-8333-%012x", 0x5a10+i, 0xabc000+i) }

func observed(probe string, values evidence.Values) evidence.Observation {
	return evidence.Observation{Probe: probe, State: evidence.Seen, Values: values}
}

// run is what is particular to a recorded run.
type run struct {
	resource, shim string
	allocatable    int64
	given          []string
	withheld       string
	// ids are what the kubelet calls the GPUs that it gives to the tenants.
	ids []string
	// nodes are the device nodes of GPU i in a container, and bus its guest's.
	nodes func(i int) []string
	bus   []string
}

var runs = map[string]run{
	recordings.GPUsOfTheHost: {
		resource: "nvidia.com/gpu", shim: "containerd-shim-runsc-v1", allocatable: 4,
		given: []string{"gpu-neighbour", "gpu-reference", "gpu-subject", "gpu-unrequested"},
		ids:   []string{uuid(0), uuid(1), uuid(2)},
		nodes: func(i int) []string {
			return []string{fmt.Sprintf("path=/dev/nvidia%d rdev=195:%d opened=yes", i, i), "path=/dev/nvidiactl rdev=195:255 opened=yes", "path=/dev/nvidia-uvm rdev=507:0 opened=yes"}
		},
	},
	recordings.GPUsOfMachines: {
		resource: "nvidia.com/pgpu", shim: "containerd-shim-kata-v2", allocatable: 2,
		given:    []string{"gpu-neighbour", "gpu-subject", "gpu-unrequested"},
		withheld: "the node has 2 of nvidia.com/pgpu, which the two tenants have",
		ids:      []string{"23", "25"},
		nodes: func(int) []string {
			return []string{"path=/dev/nvidia0 rdev=195:0 opened=yes", "path=/dev/nvidiactl rdev=195:255 opened=yes", "path=/dev/nvidia-uvm rdev=507:0 opened=yes"}
		},
		bus: []string{"bus=0000:01:00.0 id=10de:2330 class=030200 driver=nvidia"},
	},
}

const memory = 85_520_809_984 // bytes of an H100

func nvml(i int) evidence.Observation {
	return observed("gpu-nvml", evidence.Values{"driver": evidence.Text("580.82.07"), "uuids": evidence.List(uuid(i)), "processes": evidence.List(),
		"gpus": evidence.List(fmt.Sprintf("uuid=%s name=NVIDIA_H100_80GB_HBM3 memory=%d mig=off ecc=on ecc_uncorrected=0 power_limit_mw=700000 power_default_mw=700000 compute_mode=0", uuid(i), memory))})
}

// tenant is what a pod with GPU i sees in its first look.
func (r run) tenant(i int) []evidence.Observation {
	line := func(text string, args ...any) evidence.Values {
		return evidence.Values{"gpus": evidence.List("uuid=" + uuid(i) + " " + fmt.Sprintf(text, args...))}
	}
	return []evidence.Observation{
		observed("gpu-seen", evidence.Values{"devices": evidence.List(r.nodes(i)...), "driver_gpus": evidence.List(), "functions": evidence.List(r.bus...),
			"visible": evidence.List(uuid(i)), "simulated": evidence.List(), "uuids": evidence.List(uuid(i))}),
		observed("gpu-cuda-devices", evidence.Values{"cuda_version": evidence.Text("13.0"), "uuids": evidence.List(uuid(i)),
			"gpus": evidence.List(fmt.Sprintf("uuid=%s name=NVIDIA_H100_80GB_HBM3 memory=%d capability=9.0 multiprocessors=132 clock_khz=1980000", uuid(i), memory))}),
		observed("gpu-compute", line("vector_elements=16777216 vector_wrong=0 matrix_elements=1048576 matrix_wrong=0")),
		observed("gpu-memory-pattern", line("tested=80530636800 memory=%d wrong=0 flipped_bit_found=true", memory)),
		nvml(i),
	}
}

// heir is what a pod sees that was given the GPUs of a dead one: all that are free.
func heir(gpus int) []evidence.Observation {
	var residue, shared, states []string
	for i := range gpus {
		residue = append(residue, fmt.Sprintf("uuid=%s scanned=80530636800 memory=%d not_zero=0 marks=0 tokens=none unknown_tokens=0 own_planted=1228800 own_found=true scan_us=30100", uuid(i), memory))
		shared = append(shared, fmt.Sprintf("uuid=%s dumped=30818304 not_zero=0 tokens=none unknown_tokens=0 own_found=true", uuid(i)))
		line, _ := nvml(i).Values.List("gpus")
		states = append(states, line...)
	}
	return []evidence.Observation{
		observed("gpu-residue", evidence.Values{"gpus": evidence.List(residue...)}),
		observed("gpu-shared-memory", evidence.Values{"gpus": evidence.List(shared...)}),
		observed("gpu-nvml", evidence.Values{"driver": evidence.Text("580.82.07"), "uuids": evidence.List(), "processes": evidence.List(), "gpus": evidence.List(states...)}),
	}
}

// recordedRun is the evidence of a run on a node with these files.
func recordedRun(t *testing.T, name string, tree recordings.GPUTree) []evidence.Record {
	t.Helper()
	r := runs[name]
	functions, files := look(t, tree)
	at := time.Date(2026, 11, 28, 6, 0, 0, 0, time.UTC)
	record := func(v evidence.Vantage, round evidence.Round, observations ...evidence.Observation) evidence.Record {
		return evidence.Record{Schema: evidence.RecordSchema, Run: recordings.Run, Target: "node/sandbox", Vantage: v, Round: round, Nonce: "recorded",
			Pod: evidence.Pod{Namespace: "recorded", Name: string(v), UID: "uid-" + string(v), Node: "node"}, Started: at, Finished: at, Observations: observations}
	}
	var allocated, sandboxes, planted []string
	records := []evidence.Record{}
	for i, v := range []evidence.Vantage{evidence.GPUSubject, evidence.GPUNeighbour, evidence.GPUReference} {
		if slices.Contains(r.given, string(v)) {
			allocated = append(allocated, fmt.Sprintf("pod=recorded/%s container=probe resource=%s id=%s", v, r.resource, r.ids[i]))
			records = append(records, record(v, evidence.Look, r.tenant(i)...))
		}
	}
	for _, v := range []evidence.Vantage{evidence.Subject, evidence.GPUSubject, evidence.GPUUnrequested} {
		sandboxes = append(sandboxes, fmt.Sprintf("pod_uid=uid-%s sandbox=s handler=h shim=%s sha256=00 pid=1", v, r.shim))
	}
	none := observed("gpu-seen", evidence.Values{"devices": evidence.List(), "driver_gpus": evidence.List(), "functions": evidence.List(),
		"visible": evidence.List(), "simulated": evidence.List(), "uuids": evidence.List()})
	all := observed("gpu-seen", evidence.Values{"devices": evidence.List(), "driver_gpus": evidence.List(), "functions": evidence.List(),
		"visible": evidence.List("all"), "simulated": evidence.List(), "uuids": evidence.List()})
	for i := range r.allocatable {
		for _, died := range []string{"deleted", "killed"} {
			planted = append(planted, fmt.Sprintf("died=%s uuid=%s canaries=1228800 bytes=80530636800", died, uuid(int(i))))
		}
	}
	kubelet := func(lines ...string) evidence.Observation {
		return observed("gpu-allocations", evidence.Values{"allocated": evidence.List(lines...)})
	}
	return append(records,
		record(evidence.Subject, evidence.Look, none), record(evidence.GPUUnrequested, evidence.Look, all),
		record(evidence.GPUSuccessor, evidence.Aftermath, heir(int(r.allocatable))...), record(evidence.GPUSurvivor, evidence.Aftermath, heir(int(r.allocatable))...),
		record(evidence.Witness, evidence.Look, functions, files, kubelet(allocated...)),
		record(evidence.Witness, evidence.LookAgain, observed("shims", evidence.Values{"sandboxes": evidence.List(sandboxes...)})),
		record(evidence.Witness, evidence.Settle, functions, kubelet()),
		record(evidence.API, evidence.Look,
			observed("gpus", evidence.Values{"resource": evidence.Text(r.resource), "allocatable": evidence.Number(r.allocatable), "simulated": evidence.Number(0),
				"given": evidence.List(append(slices.Clone(r.given), "gpu-successor", "gpu-survivor")...), "withheld": evidence.Text(r.withheld), "no_program": evidence.Text("")}),
			observed("gpu-holders", evidence.Values{"planted": evidence.List(planted...)}),
			observed("gpu-release", evidence.Values{"tried": evidence.List("n=1 died=deleted result=running", "n=2 died=killed result=running", "n=3 died=deleted result=running"),
				"too_many": evidence.Text("refused"), "too_many_why": evidence.Text("Insufficient " + r.resource)})),
	)
}

// The evidence that is kept is what the probes see of the trees that are kept.
func TestTheRecordedEvidenceIsOfTheTrees(t *testing.T) {
	for _, recording := range ofTrees() {
		var lines bytes.Buffer
		for _, record := range recordedRun(t, recording.Name, readTree(t, recording.Name)) {
			line, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
		path := filepath.Join("../../fixtures/recordings", recording.Name+".jsonl")
		if *update {
			if err := os.WriteFile(path, lines.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept, lines.Bytes()) {
			t.Errorf("%s is not what the probes see of its tree: go test ./suites/gpu -update", path)
		}
	}
}

// judged gives the verdict of every control of the group.
func judged(records []evidence.Record) map[string]judge.Verdict {
	verdicts := map[string]judge.Verdict{}
	for _, c := range Controls() {
		verdicts[c.ID] = c.Judge(judge.Gather(records))
	}
	return verdicts
}

func ofRecording(t *testing.T, r recordings.Recording) []evidence.Record {
	t.Helper()
	records, err := r.Records()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// notThere are the controls that do not apply to a sound node, with what must be said.
var notThere = map[string]map[string]string{
	recordings.GPUsOfTheHost:  {"gpu-iommu-acs": "none of the node's 4 functions of NVIDIA is passed to virtual machines"},
	recordings.GPUsOfMachines: {"gpu-toolkit-hook": "no container toolkit"},
}

// On a sound node every control passes, each shown able to fail, or does not apply for
// the reason that is true.
func TestSoundNodes(t *testing.T) {
	for _, recording := range ofTrees() {
		for id, v := range judged(ofRecording(t, recording)) {
			says, absent := notThere[recording.Name][id]
			switch {
			case absent && (v.Result != judge.NotApplicable || !strings.Contains(v.Reason, says)):
				t.Errorf("%s of %s: %s (%s), want not-applicable (%s)", id, recording.Name, v.Result, v.Reason, says)
			case !absent && (v.Result != judge.Pass || !v.Shown || len(v.Rests) == 0):
				t.Errorf("%s of %s: %s, shown %t (%s), want pass", id, recording.Name, v.Result, v.Shown, v.Reason)
			}
		}
	}
}

// Every control of the group is judged by both recordings, and made to fail by a trial.
func TestEveryControlIsCaughtByARecording(t *testing.T) {
	caught := map[string]bool{}
	for _, trial := range recordings.Trials() {
		for _, id := range trial.Caught {
			caught[id] = true
		}
	}
	for _, c := range Controls() {
		if !caught[c.ID] {
			t.Errorf("nothing makes %s fail", c.ID)
		}
		for _, recording := range ofTrees() {
			if !slices.Contains(recording.Judged, c.ID) {
				t.Errorf("recording %s is not judged by %s", recording.Name, c.ID)
			}
		}
	}
}

// What is broken is caught by the controls that are there for it, and by no other.
func TestBrokenNodes(t *testing.T) {
	for _, trial := range recordings.Trials() {
		if runs[trial.Of].resource == "" {
			continue
		}
		t.Run(trial.ID, func(t *testing.T) {
			records, err := trial.Records()
			if err != nil {
				t.Fatal(err)
			}
			for id, v := range judged(records) {
				must := slices.Contains(trial.Caught, id)
				if must && v.Result != judge.Fail || !must && !slices.Contains(trial.May, id) && v.Result != judge.Pass && v.Result != judge.NotApplicable {
					t.Errorf("%s: %s (%s)", id, v.Result, v.Reason)
				}
			}
		})
	}
}

func TestControlsAreSound(t *testing.T) {
	for _, fault := range catalogue.Validate(Controls()) {
		t.Error(fault)
	}
}
