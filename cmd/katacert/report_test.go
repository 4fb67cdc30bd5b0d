package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// runFolder writes the folder of a run on which every control of a profile has the
// result.
func runFolder(t *testing.T, id string, result judge.Result, change func(*reports.Report)) string {
	t.Helper()
	began := time.Date(2026, 4, 5, 6, 7, 8, 0, time.UTC)
	r := &reports.Report{
		Run: reports.Run{ID: id, Tool: "katacert", Version: "v0.4.0", Started: began, Finished: began.Add(time.Minute),
			Profile: catalogue.Quick, Require: catalogue.Isolation},
		Cluster: reports.Cluster{Provider: "local", Name: "katacert"},
		Targets: []reports.Target{{ID: "worker/gvisor", RuntimeClass: "gvisor", Handler: "runsc", Node: reports.Node{Name: "worker"}}},
	}
	chosen, err := catalogue.Select(certification.Catalogue(), catalogue.Choice{Profile: catalogue.Quick})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chosen {
		r.Controls = append(r.Controls, reports.Entry(c))
		r.Verdicts = append(r.Verdicts, reports.Verdict{Control: c.ID, Target: "worker/gvisor", Verdict: judge.Verdict{Result: result, Reason: "as the test wants it"}})
	}
	if change != nil {
		change(r)
	}
	dir := filepath.Join(t.TempDir(), id)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := reports.Write(dir, r); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Every format that the help names can be made, to standard output and to a file
// alike.
func TestReportMakesEveryFormatAgain(t *testing.T) {
	dir := runFolder(t, "run-1", judge.Pass, nil)
	for _, format := range reports.AllFormats() {
		shown, err := ran(t, "report", dir, "--format", format.Name)
		if err != nil || shown == "" {
			t.Fatalf("%s: %v", format.Name, err)
		}
		to := filepath.Join(t.TempDir(), "file")
		if out, err := ran(t, "report", dir, "--format", format.Name, "--out", to); err != nil || out != "" {
			t.Fatalf("%s: %v, and wrote %q", format.Name, err, out)
		}
		if kept, err := os.ReadFile(to); err != nil || string(kept) != shown {
			t.Errorf("%s: the file and standard output differ, %v", format.Name, err)
		}
		if made, err := os.ReadFile(filepath.Join(dir, format.File)); err == nil && string(made) != shown {
			t.Errorf("%s: what is made again differs from %s", format.Name, format.File)
		}
	}
}

func TestReportRefusesWhatItCannotWrite(t *testing.T) {
	dir := runFolder(t, "run-1", judge.Pass, nil)
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"an unknown format":          {[]string{"report", dir, "--format", "pdf"}, exitUsage, "unknown report format"},
		"a table into a file":        {[]string{"report", dir, "--out", filepath.Join(t.TempDir(), "x")}, exitUsage, "--out takes a --format"},
		"a folder that is not there": {[]string{"report", dir, "--format", "ctrf", "--out", "/nonexistent/ctrf.json"}, exitPartial, "/nonexistent"},
		"what is no run":             {[]string{"report", t.TempDir(), "--format", "ctrf"}, exitPartial, "report.json"},
	} {
		got := katacert(t, test.args...)
		if got.code != test.code || got.stdout != "" || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: exit code %d, %q, want %d and %q", name, got.code, got.stderr, test.code, test.want)
		}
	}
}

func TestCertifyLeavesFiguresForPrometheus(t *testing.T) {
	dir := runFolder(t, "run-1", judge.Pass, nil)
	report, err := reports.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "katacert.prom")
	signer, err := bundle.FreshSigner()
	if err != nil {
		t.Fatal(err)
	}
	f := certifyFlags{out: filepath.Dir(dir), output: "json", prometheusFile: path, signer: signer, configuration: &bundle.Configuration{}}
	_ = f.conclude(t.Context(), report, io.Discard, io.Discard) // the bundle lacks evidence
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), `katacert_outcome{cluster="katacert",outcome="certified"} 1`) {
		t.Errorf("%v, the file holds %.300q", err, text)
	}
	// Figures that cannot be left are an error, not a silence.
	f.prometheusFile = "/nonexistent/katacert.prom"
	var said strings.Builder
	if err := f.conclude(t.Context(), report, io.Discard, &said); err == nil || !strings.Contains(said.String(), f.prometheusFile) {
		t.Errorf("%v, and it says %q", err, said.String())
	}
}
