//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/judge"
)

// requireFiles checks that every file of a run is there and says the same.
func requireFiles(t *testing.T, dir string, r *reports.Report) {
	t.Helper()
	requireFormats(t, dir, r)
	requireEvidence(t, dir, r)
}

// requireFormats checks that the report is there in every format, with every
// control.
func requireFormats(t *testing.T, dir string, r *reports.Report) {
	t.Helper()
	requireJUnit(t, dir, r)
	for _, name := range []string{"summary.md", "report.html", "ctrf.json", "oscal.json"} {
		text := readFile(t, dir, name)
		requireTexts(t, text, r.Headline(), r.Run.ID, r.Targets[0].ID)
		for _, v := range r.Verdicts {
			if !strings.Contains(text, v.Control) {
				t.Errorf("%s lacks control %s", name, v.Control)
			}
		}
	}
}

// requireJUnit checks that junit.xml has one case for each verdict, and counts
// them as the report does.
func requireJUnit(t *testing.T, dir string, r *reports.Report) {
	t.Helper()
	var junit struct {
		Suites []struct {
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(readFile(t, dir, "junit.xml")), &junit); err != nil {
		t.Fatal(err)
	}
	failed := map[string]string{}
	for _, suite := range junit.Suites {
		for _, c := range suite.Cases {
			mark := "passed"
			switch {
			case c.Failure != nil:
				mark = "failed"
			case c.Error != nil:
				mark = "error"
			case c.Skipped != nil:
				mark = "skipped"
			}
			failed[c.Name] = mark
		}
	}
	if len(failed) != len(r.Verdicts) {
		t.Errorf("junit.xml has %d cases for %d verdicts", len(failed), len(r.Verdicts))
	}
	for _, v := range r.Verdicts {
		want := "error"
		switch {
		case v.Result == judge.Pass:
			want = "passed"
		case v.Result == judge.NotApplicable, r.Finding(v):
			want = "skipped"
		case v.Result == judge.Fail:
			want = "failed"
		}
		if got := failed[v.Control+" ["+v.Target+"]"]; got != want {
			t.Errorf("junit.xml has control %s as %q, want %q", v.Control, got, want)
		}
	}
}

// requireEvidence checks that every observation that a verdict rests on is in
// evidence.jsonl, of the same state, and that judging that file again gives the
// verdicts of the report.
func requireEvidence(t *testing.T, dir string, r *reports.Report) {
	t.Helper()
	byTarget := map[string][]evidence.Record{}
	states := map[string]map[judge.Basis]bool{}
	for _, record := range readEvidence(t, dir) {
		if record.Run != r.Run.ID {
			t.Errorf("a record of evidence belongs to run %s", record.Run)
		}
		byTarget[record.Target] = append(byTarget[record.Target], record)
		if states[record.Target] == nil {
			states[record.Target] = map[judge.Basis]bool{}
		}
		for _, o := range record.Observations {
			states[record.Target][judge.Basis{Vantage: record.Vantage, Round: record.Round, Probe: o.Probe, State: o.State}] = true
		}
	}
	again := map[string]judge.Verdict{}
	for _, c := range certification.Catalogue() {
		for target, records := range byTarget {
			again[c.ID+" "+target] = c.Judge(judge.Gather(records))
		}
	}
	for _, v := range r.Verdicts {
		if len(v.Rests) == 0 {
			t.Errorf("the verdict of %s rests on nothing", v.Control)
		}
		for _, basis := range v.Rests {
			if basis.State != "" && !states[v.Target][basis] {
				t.Errorf("the verdict of %s rests on %+v, which evidence.jsonl does not have", v.Control, basis)
			}
		}
		if judged := again[v.Control+" "+v.Target]; judged.Result != v.Result || judged.Reason != v.Reason {
			t.Errorf("evidence.jsonl gives %s as %s (%s), the report says %s (%s)", v.Control, judged.Result, judged.Reason, v.Result, v.Reason)
		}
	}
}

func readEvidence(t *testing.T, dir string) []evidence.Record {
	t.Helper()
	var records []evidence.Record
	for line := range strings.Lines(readFile(t, dir, certification.EvidenceFile)) {
		var record evidence.Record
		decoder := json.NewDecoder(bytes.NewReader([]byte(line)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&record); err != nil {
			t.Fatalf("evidence %.80q: %v", line, err)
		}
		records = append(records, record)
	}
	return records
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func requireNotice(t *testing.T, r *reports.Report, text string) {
	t.Helper()
	if !contains(strings.Join(r.Notices, "\n"), text) {
		t.Errorf("no notice says %q: %q", text, r.Notices)
	}
}

// requireWhole checks that a report of a run that came to nothing has every
// control of the profile as an error with a reason that holds the text.
func requireWhole(t *testing.T, r *reports.Report, text string) {
	t.Helper()
	if r.Outcome != reports.Partial {
		t.Errorf("outcome %s, want %s", r.Outcome, reports.Partial)
	}
	if len(r.Controls) == 0 || len(r.Verdicts) == 0 {
		t.Errorf("the report has %d controls and %d verdicts", len(r.Controls), len(r.Verdicts))
	}
	for _, v := range r.Verdicts {
		if v.Result != judge.Error || !contains(v.Reason, text) {
			t.Errorf("control %s came to %s (%s), want an error that says %q", v.Control, v.Result, v.Reason, text)
		}
	}
}

func contains(text, part string) bool { return strings.Contains(text, part) }
