package bundle_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// recorded is the evidence of a whole certification of Kata Containers 4.1.0.
const recorded = "../../fixtures/recordings/kata-4.1.0-qemu-go-run.jsonl"

// thisVersion is what the tests' program calls itself.
const thisVersion = "v0.3.0"

func byThis() bundle.Judge {
	return bundle.Judge{Controls: certification.Catalogue(), Version: thisVersion}
}

func thisTool(t testing.TB) bundle.Tool {
	t.Helper()
	tool, err := bundle.ThisTool(thisVersion)
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// records reads recorded evidence.
func records(t testing.TB, path string) []evidence.Record {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The recorded run has no isolation control that fails: its guests' memory is laid
	// open, so that there is a fail to be hidden.
	sound, open := []byte("perms=rw-p mergeable=0 path=/opt/kata/share/kata-containers/vmlinux"), []byte("perms=rw-s mergeable=0 path=/opt/kata/share/kata-containers/vmlinux")
	if path == recorded && !bytes.Contains(data, sound) {
		t.Fatal("the recorded run maps no kernel")
	}
	data = bytes.ReplaceAll(data, sound, open)
	var all []evidence.Record
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		var r evidence.Record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		// What is changed in these tests is the first record: the witness's, without
		// which nothing is judged.
		if !strings.HasPrefix(string(r.Vantage), string(evidence.Trainer)) {
			all = append(all, r)
		}
	}
	return all
}

// reportOf makes the report that a run with this evidence writes, with the controls
// whose ids match; without a pattern, those that the evidence is enough for.
func reportOf(t testing.TB, all []evidence.Record, pattern string) (*reports.Report, string) {
	t.Helper()
	gathered := judge.Gather(all)
	controls := certification.Catalogue()
	if pattern == "" {
		var ids []string
		for id, v := range catalogue.JudgeAll(controls, gathered) {
			if v.Result != judge.Error && v.Result != judge.Invalid {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		pattern = "^(" + strings.Join(ids, "|") + ")$"
	}
	chosen, err := catalogue.Select(controls, catalogue.Choice{Profile: catalogue.Destructive, Controls: pattern})
	if err != nil {
		t.Fatal(err)
	}
	target := all[0].Target
	r := &reports.Report{Schema: reports.Schema,
		Run:     reports.Run{ID: all[0].Run, Tool: "katacert", Version: thisVersion, Started: all[0].Started, Finished: all[0].Finished, Profile: catalogue.Destructive, Require: catalogue.Isolation},
		Cluster: reports.Cluster{Provider: "local", Name: "katacert"},
		Targets: []reports.Target{{ID: target, RuntimeClass: "kata-qemu", Handler: "kata-qemu",
			Node:    reports.Node{Name: "katacert-kata-vm", Kernel: "6.1.0-50-amd64", OS: "Debian GNU/Linux 12 (bookworm)", Architecture: "amd64", ContainerRuntime: "containerd://2.2.1", Kubelet: "v1.37.2"},
			Runtime: reports.RuntimeOf(gathered), Parts: reports.PartsOf(gathered)}},
		Images: []reports.Image{{Name: "probe", Ref: "registry.example/probe@" + all[0].Pod.ImageDigest, Digest: all[0].Pod.ImageDigest}},
	}
	for _, record := range all {
		if record.Started.Before(r.Run.Started) {
			r.Run.Started = record.Started
		}
		if record.Finished.After(r.Run.Finished) {
			r.Run.Finished = record.Finished
		}
	}
	r.Run.Started, r.Run.Finished = r.Run.Started.Add(-time.Second), r.Run.Finished.Add(1500*time.Millisecond)
	verdicts := catalogue.JudgeAll(chosen, gathered)
	for _, c := range chosen {
		r.Controls = append(r.Controls, reports.Entry(c))
		r.Verdicts = append(r.Verdicts, reports.Verdict{Control: c.ID, Target: target, Verdict: verdicts[c.ID]})
	}
	r.Conclude()
	return r, pattern
}

// lay writes the folder of a run.
func lay(t testing.TB, r *reports.Report, all []evidence.Record, pattern string) string {
	t.Helper()
	dir := t.TempDir()
	writer, err := reports.Format("json")
	if err != nil {
		t.Fatal(err)
	}
	if err := reports.WriteWhole(filepath.Join(dir, writer.File), func(w io.Writer) error { return writer.Write(w, r) }); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	for _, record := range all {
		line, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	if err := os.WriteFile(filepath.Join(dir, certification.EvidenceFile), lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := bundle.CatalogueOf(certification.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	c := bundle.Configuration{Schema: bundle.ConfigurationSchema, Tool: thisTool(t), Catalogue: known}
	c.Set("profile", true, false, string(r.Run.Profile))
	c.Set("require", false, false, string(r.Run.Require))
	c.Set("controls", true, false, pattern)
	c.Set("runtime-class", true, true, "kata-qemu")
	if err := c.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// aRun is the folder of a run with the recorded evidence, without a bundle.
func aRun(t testing.TB, pattern string) string {
	t.Helper()
	all := records(t, recorded)
	r, pattern := reportOf(t, all, pattern)
	return lay(t, r, all, pattern)
}

// seal makes the bundle of a run's folder with a fresh key, and returns its path and
// the key.
func seal(t testing.TB, dir string) (string, bundle.PublicKey) {
	t.Helper()
	return sealBy(t, dir, bundle.Make)
}

// forge makes a bundle as seal does, of whatever the folder holds.
func forge(t testing.TB, dir string) (string, bundle.PublicKey) {
	t.Helper()
	return sealBy(t, dir, bundle.MakeOfAnything)
}

func sealBy(t testing.TB, dir string, make func(context.Context, string, *bundle.Signer, bundle.Tool) ([]string, error)) (string, bundle.PublicKey) {
	t.Helper()
	signer, err := bundle.FreshSigner()
	if err != nil {
		t.Fatal(err)
	}
	written, err := make(t.Context(), dir, signer, thisTool(t))
	if err != nil {
		t.Fatal(err)
	}
	return written[0], signer.Public
}

func verify(t testing.TB, path string, by bundle.Judge, keys ...bundle.PublicKey) *bundle.Result {
	t.Helper()
	result, err := bundle.Verify(t.Context(), path, keys, by)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// text is what a result says to people.
func text(t testing.TB, r *bundle.Result) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Text(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
