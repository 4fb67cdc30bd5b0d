package vmm_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/platform"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/vmm"
)

var update = flag.Bool("update", false, "write the recorded evidence again from the recorded trees")

// pods are the UIDs of the recorded pods, by recording.
var pods = map[string]string{recordings.GoShim: "daf37f47-ce79-4685-a823-cb373f182e54", recordings.RuntimeRS: "a7804a98-d564-4a60-84ce-c41651d1efeb"}

const plainPod = "c6e64eb4-216f-4913-8870-78bc9dc3fb5d"

func readTree(t *testing.T, name string) recordings.Tree {
	t.Helper()
	tree, err := recordings.ReadTree(name)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// lookAt lets the real probes look at a planted tree, and returns the evidence of
// the run in which they did.
func lookAt(t *testing.T, name string, tree recordings.Tree) []evidence.Record {
	t.Helper()
	dir := t.TempDir()
	if err := tree.Plant(dir); err != nil {
		t.Fatal(err)
	}
	node := platform.Tree{Proc: filepath.Join(dir, "proc"), Root: filepath.Join(dir, "root")}
	processes := platform.SandboxProcesses(node, recordings.Run)
	processes.Probe = "sandbox-processes"
	shims := platform.Shims(node)
	shims.Probe = "shims"
	images := platform.GuestImages(node, recordings.Run)
	images.Probe = "guest-images"
	record := func(v evidence.Vantage, round evidence.Round, uid string, observations ...evidence.Observation) evidence.Record {
		at := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
		return evidence.Record{Schema: evidence.RecordSchema, Run: recordings.Run, Target: "node/kata", Vantage: v, Round: round, Nonce: "recorded",
			Pod: evidence.Pod{Namespace: "recorded", Name: string(v), UID: uid, Node: "node"}, Started: at, Finished: at, Observations: observations}
	}
	records := []evidence.Record{
		record(evidence.Witness, evidence.Look, "witness", processes, images),
		record(evidence.Witness, evidence.LookAgain, "witness", shims),
		record(evidence.Witness, evidence.Settle, "witness", images),
		record(evidence.Reference, evidence.Look, plainPod),
		record(evidence.Subject, evidence.Look, pods[name], guest(tree)...),
	}
	data, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	// Paths of this test's folder are no part of the recording.
	data = bytes.ReplaceAll(data, []byte(filepath.Join(dir, "root")), nil)
	// Neither are owner and times of the files that it laid out.
	data = regexp.MustCompile(`owner=\d+ writers= file=[\d.]+`).ReplaceAll(data, []byte("owner=0 writers= file=0.0.0.0.0"))
	var clean []evidence.Record
	if err := json.Unmarshal(data, &clean); err != nil {
		t.Fatal(err)
	}
	return clean
}

// guest are the observations inside of the recorded sandbox.
func guest(tree recordings.Tree) []evidence.Observation {
	cmdline := ""
	for _, pid := range tree.PIDs("qemu-system-x86_64") {
		arguments := strings.Split(tree["proc/"+pid+"/cmdline"], "\n")
		if at := slices.Index(arguments, "-append"); at >= 0 {
			cmdline = arguments[at+1]
		}
	}
	list := func(name string) evidence.Value {
		var lines []string
		for line := range strings.Lines(tree["guest/"+name]) {
			fields := strings.Fields(strings.ReplaceAll(line, "0x", ""))
			if name == "pci" && len(fields) == 4 {
				lines = append(lines, fields[0]+" "+fields[1]+":"+fields[2]+" ?:? "+fields[3])
			} else if len(fields) > 1 {
				lines = append(lines, fields[0]+" "+fields[1])
			}
		}
		return evidence.List(lines...)
	}
	return []evidence.Observation{
		{Probe: "pci", State: evidence.Seen, Values: evidence.Values{"devices": list("pci")}},
		{Probe: "virtio", State: evidence.Seen, Values: evidence.Values{"devices": list("virtio")}},
		{Probe: "cmdline", State: evidence.Seen, Values: evidence.Values{"cmdline": evidence.Text(cmdline)}},
	}
}

// The evidence that is kept is what the probes read from the trees that are kept.
func TestTheRecordedEvidenceIsOfTheTrees(t *testing.T) {
	for _, name := range recordings.Names() {
		var lines bytes.Buffer
		for _, record := range lookAt(t, name, readTree(t, name)) {
			line, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
		path := filepath.Join("../../fixtures/recordings", name+".jsonl")
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
			t.Errorf("%s is not what the probes read from its tree: go test ./suites/vmm -update", path)
		}
	}
}

// judged gives the verdicts of the controls of a recording.
// recorded is a recording with its evidence, for a test to change.
func recorded(t *testing.T, name string) (recordings.Recording, []evidence.Record) {
	t.Helper()
	recording, err := recordings.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	records, err := recording.Records()
	if err != nil {
		t.Fatal(err)
	}
	return recording, records
}

func judged(t *testing.T, recording recordings.Recording, records []evidence.Record) map[string]judge.Verdict {
	t.Helper()
	verdicts := map[string]judge.Verdict{}
	for _, id := range recording.Judged {
		c, err := catalogue.Find(vmm.Controls(), id)
		if err != nil {
			t.Fatal(err)
		}
		verdicts[id] = c.Judge(judge.Gather(records))
	}
	return verdicts
}

// A real Kata as everybody gets it has its known findings, and gives neither a false
// alarm nor a pass that nothing earned.
func TestRecordedKata(t *testing.T) {
	for _, recording := range recordings.All() {
		if !slices.Contains(recordings.Names(), recording.Name) {
			continue // of files, and no sandbox
		}
		records, err := recording.Records()
		if err != nil {
			t.Fatal(err)
		}
		verdicts := judged(t, recording, records)
		for _, id := range slices.Sorted(maps.Keys(verdicts)) {
			v, want := verdicts[id], judge.Pass
			if slices.Contains(recording.Findings, id) {
				want = judge.Fail
			}
			if v.Result != want || !v.Shown {
				t.Errorf("%s of %s: %s, shown %t (%s), want %s", id, recording.Name, v.Result, v.Shown, v.Reason, want)
			}
			t.Logf("%s: %s: %s", id, v.Result, v.Reason)
		}
	}
}

// What is broken in a recording is caught by the controls that are there for it, and
// by no other.
func TestBrokenRecordings(t *testing.T) {
	for _, trial := range recordings.Trials() {
		if !slices.Contains(recordings.Names(), trial.Of) {
			continue
		}
		t.Run(trial.ID, func(t *testing.T) {
			records, err := trial.Records()
			if err != nil {
				t.Fatal(err)
			}
			recording, err := recordings.Find(trial.Of)
			if err != nil {
				t.Fatal(err)
			}
			for id, v := range judged(t, recording, records) {
				must := slices.Contains(trial.Caught, id)
				expected := must || slices.Contains(recording.Findings, id) || slices.Contains(trial.May, id)
				if must && v.Result != judge.Fail || !expected && v.Result != judge.Pass {
					t.Errorf("%s: %s (%s)", id, v.Result, v.Reason)
				}
			}
		})
	}
}
