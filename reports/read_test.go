package reports_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
)

func TestReadGivesBackWhatWasWritten(t *testing.T) {
	for name, build := range samples() {
		t.Run(name, func(t *testing.T) {
			want := build()
			got, err := reports.Read(filepath.Join(written(t, want), "report.json"))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(asJSON(t, got), asJSON(t, want)) {
				t.Error("the report read is not the report written")
			}
		})
	}
}

// asJSON normalises what does not matter, such as an empty list being nil.
func asJSON(t *testing.T, r *reports.Report) (v any) {
	t.Helper()
	if r.Targets == nil {
		r.Targets = []reports.Target{}
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReadRefuses(t *testing.T) {
	replaced := func(old, new string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, new, 1) }
	}
	for _, test := range []struct {
		name   string
		change func(text string) string
		want   string
	}{
		{"what is cut off", func(s string) string { return s[:len(s)/2] }, "corrupt or cut off"},
		{"an empty file", func(string) string { return "" }, "corrupt or cut off"},
		{"what is no JSON", func(string) string { return "<report>" }, "corrupt or cut off"},
		{"text after the end", func(s string) string { return s + "{}" }, "corrupt or cut off"},
		{"another schema", replaced(reports.Schema, "katacert.dev/report/v9"), `schema "katacert.dev/report/v9", but this katacert reads "` + reports.Schema + `"`},
		{"an unknown field", replaced(`"outcome":`, `"colour": "red", "outcome":`), `unknown field "colour"; it was written by version "v0.3.0"`},
		{"a wrong type", replaced(`"findings": 1`, `"findings": "one"`), "not understood"},
		{"an unknown verdict", replaced(`"result": "pass"`, `"result": "passed"`), `unknown verdict "passed"`},
		{"a changed verdict", replaced(`"result": "fail"`, `"result": "pass"`), "the file was changed"},
		{"a changed outcome", replaced(`"outcome": "certified"`, `"outcome": "partial"`), "the file was changed"},
		{"a changed level", replaced(`"level": "hardening"`, `"level": "isolation"`), "NOT CERTIFIED: 1 control failed follows from its verdicts"},
		{"an unlisted control", replaced(`"control": "proc-planted"`, `"control": "proc-other"`), `names control "proc-other", which is not listed`},
		{"an unlisted target", replaced(`"target": "worker-1/gvisor",`+"\n"+`      "result"`, `"target": "worker-9",`+"\n"+`      "result"`), `names target "worker-9", which is not listed`},
		{"a verdict twice", replaced(`"control": "proc-planted"`, `"control": "kernel-boot-id"`), "two verdicts"},
		{"a control without verdict", replaced(`"controls": [`, `"controls": [ {"id": "silent"},`), "holds 6 verdicts, but 7 controls on 1 target need 7"},
		{"a control twice", replaced(`"id": "proc-planted"`, `"id": "kernel-boot-id"`), "listed twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(written(t, sample.Sandboxed()), "report.json")
			before := string(contents(t, path))
			after := test.change(before)
			if before == after {
				t.Fatal("the test changed nothing")
			}
			if err := os.WriteFile(path, []byte(after), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := reports.Read(path)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("the error is %v, want one that names the file and says %q", err, test.want)
			}
		})
	}
}

func TestReadRefusesWhatIsTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	// A hole takes no room on the disk.
	if err := file.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := reports.Read(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("the error is %v, want that it is too large", err)
	}
}

func TestReadNamesAMissingReport(t *testing.T) {
	dir := t.TempDir()
	if _, err := reports.Read(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "report.json")) || !strings.Contains(err.Error(), "folder of a run") {
		t.Errorf("the error is %v, want one that names the file and says what to name", err)
	}
}
