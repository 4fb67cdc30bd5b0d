package kata

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	katafiles "github.com/katacert/katacert/probes/kata"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

var update = flag.Bool("update", false, "write the recorded evidence again from the layouts")

// files are those of recordings that were laid out after documented formats.
func ofFiles() []recordings.Recording {
	return slices.DeleteFunc(recordings.All(), func(r recordings.Recording) bool { return !recordedNode(r.Name) })
}

// recordedNode says whether a recording is of a node's files, and not of a sandbox, of
// annotated pods or of a run.
func recordedNode(name string) bool {
	return name == recordings.Hardened || slices.ContainsFunc(recordings.Layouts(), func(l recordings.Layout) bool { return l.Name == name })
}

// laidOut is the node of a recording, and the handler that is Kata's on it.
func laidOut(t *testing.T, name string) (recordings.Node, string) {
	t.Helper()
	layout, dropIn := name, ""
	if name == recordings.Hardened {
		layout, dropIn = "kata-4.1-qemu-rs", recordings.HardenedDropIn
	}
	node, err := recordings.ReadNode(layout)
	if err != nil {
		t.Fatal(err)
	}
	if dropIn != "" {
		node = node.With(recordings.DropInsRS+"50-hardened.toml", dropIn)
	}
	for _, l := range recordings.Layouts() {
		if l.Name == layout {
			return node, l.Handler
		}
	}
	t.Fatalf("no layout %s", layout)
	return nil, ""
}

// observed is what the real probes of the witness see of a node in a round.
func observed(t *testing.T, node recordings.Node, handler string, round evidence.Round) []evidence.Observation {
	t.Helper()
	root := t.TempDir()
	if err := node.Lay(root); err != nil {
		t.Fatal(err)
	}
	observations, _ := probes.Run(&probes.Context{
		Round: round, Vantage: evidence.Witness, HostRoot: root, Params: map[string]string{probes.ParamHandler: handler},
		OptIn: []string{probeFiles, probeDigests},
	}, katafiles.Probes())
	for i := range observations {
		observations[i].Micros = 0
	}
	return observations
}

// engineOf is what the kubelet of a node would say of its container runtime.
func engineOf(node recordings.Node) string {
	for path := range node {
		if strings.HasPrefix(path, "etc/crio/") {
			return "cri-o://1.36.1"
		}
	}
	return "containerd://2.4.2"
}

// recorded is the evidence of a run on a node with these files: what the probes see
// of them, and the least of what else the controls ask for.
func recorded(t *testing.T, node recordings.Node, handler string) []evidence.Record {
	t.Helper()
	at := time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)
	record := func(v evidence.Vantage, round evidence.Round, observations ...evidence.Observation) evidence.Record {
		return evidence.Record{Schema: evidence.RecordSchema, Run: recordings.Run, Target: "node/kata", Vantage: v, Round: round, Nonce: "recorded",
			Pod: evidence.Pod{Namespace: "recorded", Name: string(v), UID: scene.UID(v), Node: "node"}, Started: at, Finished: at, Observations: observations}
	}
	seen := func(probe string, values evidence.Values) evidence.Observation {
		return evidence.Observation{Probe: probe, State: evidence.Seen, Values: values}
	}
	return []evidence.Record{
		record(evidence.Witness, evidence.Look, append(observed(t, node, handler, evidence.Look), seen("boot-id", evidence.Values{"boot_id": evidence.Text("node")}))...),
		record(evidence.Witness, evidence.LookAgain, seen("shims", evidence.Values{"sandboxes": evidence.List(
			"pod_uid=" + scene.UID(evidence.Subject) + " sandbox=s handler= shim=containerd-shim-kata-v2 sha256=00 pid=1")})),
		record(evidence.Witness, evidence.Settle, observed(t, node, handler, evidence.Settle)...),
		record(evidence.Reference, evidence.Look, seen("posture", evidence.Values{"lsm": evidence.Text("cri-containerd.apparmor.d (enforce)")})),
		record(evidence.Subject, evidence.Look, seen("boot-id", evidence.Values{"boot_id": evidence.Text("guest")})),
		record(evidence.API, evidence.Look, seen("runtimeclass", evidence.Values{"runtime_class": evidence.Text(handler), "handler": evidence.Text(handler),
			"subject_runtime_class": evidence.Text(handler), "node_runtime": evidence.Text(engineOf(node))})),
	}
}

// The evidence that is kept is what the probes see of the layouts that are kept.
func TestTheRecordedEvidenceIsOfTheLayouts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the recorded files are root's")
	}
	for _, recording := range ofFiles() {
		node, handler := laidOut(t, recording.Name)
		var lines bytes.Buffer
		for _, record := range recorded(t, node, handler) {
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
			t.Errorf("%s is not what the probes see of its layout: go test ./suites/kata -update", path)
		}
	}
}

// judged gives the verdict of every control of the group.
func judged(records []evidence.Record) map[string]judge.Verdict {
	verdicts := map[string]judge.Verdict{}
	for _, c := range onNode() {
		verdicts[c.ID] = c.Judge(judge.Gather(records))
	}
	return verdicts
}

// A node has exactly the findings that its Kata is known for, and no pass that
// nothing earned.
func TestRecordedNodes(t *testing.T) {
	for _, recording := range ofFiles() {
		records, err := recording.Records()
		if err != nil {
			t.Fatal(err)
		}
		for id, v := range judged(records) {
			finding := slices.Contains(recording.Findings, id)
			if finding != (v.Result == judge.Fail) || v.Result == judge.Error || v.Result == judge.Invalid || v.Result == judge.Pass && !v.Shown {
				t.Errorf("%s of %s: %s, shown %t (%s)", id, recording.Name, v.Result, v.Shown, v.Reason)
			}
			if finding && (len(v.Compared) == 0 || len(v.Rests) == 0) {
				t.Errorf("%s of %s fails without grounds", id, recording.Name)
			}
		}
	}
}

// Every control of the group is named by the recordings, and made to fail by one.
func TestEveryControlIsCaughtByARecording(t *testing.T) {
	caught := map[string]bool{}
	for _, recording := range ofFiles() {
		for _, id := range recording.Findings {
			caught[id] = true
		}
		for _, c := range onNode() {
			if !slices.Contains(recording.Judged, c.ID) {
				t.Errorf("recording %s is not judged by %s", recording.Name, c.ID)
			}
		}
	}
	for _, trial := range recordings.Trials() {
		for _, id := range trial.Caught {
			caught[id] = true
		}
	}
	for _, c := range onNode() {
		if !caught[c.ID] {
			t.Errorf("nothing makes %s fail", c.ID)
		}
	}
}

// What is broken on a node is caught by the controls that are there for it, and by
// no other.
func TestBrokenNodes(t *testing.T) {
	for _, trial := range recordings.Trials() {
		recording, err := recordings.Find(trial.Of)
		if err != nil {
			t.Fatal(err)
		}
		if !recordedNode(trial.Of) {
			continue
		}
		t.Run(trial.ID, func(t *testing.T) {
			records, err := trial.Records()
			if err != nil {
				t.Fatal(err)
			}
			for id, v := range judged(records) {
				must := slices.Contains(trial.Caught, id)
				expected := must || slices.Contains(recording.Findings, id) || slices.Contains(trial.May, id)
				if must && v.Result != judge.Fail || !expected && v.Result != judge.Pass && v.Result != judge.NotApplicable {
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

// A trial is found by its id, and so must be the only one of it.
func TestTrialsHaveIDsOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, trial := range recordings.Trials() {
		if seen[trial.ID] {
			t.Errorf("two trials are called %s", trial.ID)
		}
		seen[trial.ID] = true
	}
}
