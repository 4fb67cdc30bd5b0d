package reports

import (
	"cmp"
	"io"
	"iter"
	"time"

	"github.com/katacert/katacert/suites/judge"
)

// ctrfVersion is the version of the Common Test Report Format that writeCTRF
// writes (https://ctrf.io).
const ctrfVersion = "1.0.0"

type (
	ctrfTest struct {
		TestID      string     `json:"testId"`
		ExecutionID string     `json:"executionId"`
		Name        string     `json:"name"`
		Status      string     `json:"status"`
		RawStatus   string     `json:"rawStatus"`
		Duration    int64      `json:"duration"`
		Suite       []string   `json:"suite"`
		Message     string     `json:"message,omitempty"`
		Trace       string     `json:"trace,omitempty"`
		Labels      ctrfLabels `json:"labels"`
	}
	ctrfLabels struct {
		Control string   `json:"control"`
		Target  string   `json:"target"`
		Group   string   `json:"group"`
		Level   string   `json:"level"`
		Profile string   `json:"profile,omitempty"`
		Refs    []string `json:"references,omitempty"`
		Shown   bool     `json:"shown"`
	}
	ctrfSummary struct {
		Tests    int   `json:"tests"`
		Passed   int   `json:"passed"`
		Failed   int   `json:"failed"`
		Skipped  int   `json:"skipped"`
		Pending  int   `json:"pending"`
		Other    int   `json:"other"`
		Suites   int   `json:"suites"`
		Start    int64 `json:"start"`
		Stop     int64 `json:"stop"`
		Duration int64 `json:"duration"`
	}
	ctrfTool struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	ctrfEnvironment struct {
		ReportName string `json:"reportName"`
		AppName    string `json:"appName,omitempty"`
		AppVersion string `json:"appVersion,omitempty"`
		Healthy    bool   `json:"healthy"`
	}
	ctrfExtra struct {
		Run     properties            `json:"run"`
		Targets map[string]properties `json:"targets"`
	}
)

// writeCTRF writes one test per control and target. What was not proven (an
// invalid or error verdict) is a failed test, as it is an error in JUnit: a job
// that looks at failed tests alone must not take it for a pass.
func writeCTRF(w io.Writer, r *Report) error {
	s := &jsonStream{w: w}
	sheets := r.Sheets()
	return s.document(func() {
		s.field("reportFormat", "CTRF")
		s.field("specVersion", ctrfVersion)
		s.field("reportId", r.identity("ctrf"))
		s.field("runId", ctrfText(r.Run.ID))
		s.field("timestamp", r.Run.Finished.UTC().Format(time.RFC3339))
		s.field("generatedBy", ctrfText(r.Run.Tool+" "+r.Run.Version))
		s.object("results", func() {
			s.field("tool", ctrfTool{Name: ctrfText(r.Run.Tool), Version: judge.Printable(r.Run.Version, longestCell)})
			s.field("summary", r.ctrfSummary(sheets))
			s.field("environment", ctrfEnvironment{ReportName: r.Headline(), AppName: judge.Printable(r.Cluster.Name, longestCell),
				AppVersion: judge.Printable(r.Cluster.Kubernetes, longestCell), Healthy: r.Outcome == Certified})
			s.list("tests", r.ctrfTests(sheets))
			s.field("extra", r.ctrfExtra())
		})
	})
}

// ctrfStatus maps a verdict to the five words of CTRF. A finding is neither a
// pass nor a fail, which is what the word "other" is for.
func ctrfStatus(row Row) string {
	switch {
	case row.Finding:
		return "other"
	case row.Verdict.Result == judge.Pass:
		return "passed"
	case row.Verdict.Result == judge.NotApplicable:
		return "skipped"
	default:
		return "failed"
	}
}

func (r *Report) ctrfSummary(sheets []Sheet) ctrfSummary {
	sum := ctrfSummary{Suites: len(sheets), Start: r.Run.Started.UnixMilli(), Stop: r.Run.Finished.UnixMilli()}
	sum.Duration = max(0, sum.Stop-sum.Start)
	for _, sheet := range sheets {
		for _, row := range sheet.Rows {
			sum.Tests++
			switch ctrfStatus(row) {
			case "passed":
				sum.Passed++
			case "failed":
				sum.Failed++
			case "skipped":
				sum.Skipped++
			default:
				sum.Other++
			}
		}
	}
	return sum
}

// ctrfTests are the tests. Their durations are zero: the controls of a target are
// judged from the same few rounds of probes, and none of them has a time of its
// own.
func (r *Report) ctrfTests(sheets []Sheet) iter.Seq[any] {
	return func(yield func(any) bool) {
		refs := map[*Control][]string{}
		for _, sheet := range sheets {
			target := ctrfText(sheet.Target.ID)
			for _, row := range sheet.Rows {
				c := row.Control
				references, ok := refs[c]
				if !ok {
					references = refTexts(c)
					refs[c] = references
				}
				test := ctrfTest{
					TestID: c.ID + "@" + target, ExecutionID: r.identity("verdict", c.ID, row.Verdict.Target),
					Name: c.ID + " [" + target + "]", Status: ctrfStatus(row), RawStatus: row.Mark(),
					Suite: []string{target, string(c.Group)}, Message: judge.Printable(row.Verdict.Reason, longestReason),
					Labels: ctrfLabels{Control: c.ID, Target: target, Group: string(c.Group), Level: string(c.Level),
						Profile: string(c.Profile), Refs: references, Shown: row.Verdict.Shown},
				}
				if row.Verdict.Result != judge.Pass {
					test.Trace = readings(row)
				}
				if !yield(&test) {
					return
				}
			}
		}
	}
}

func (r *Report) ctrfExtra() ctrfExtra {
	extra := ctrfExtra{Run: r.runProperties(), Targets: map[string]properties{}}
	for _, t := range r.Targets {
		extra.Targets[ctrfText(t.ID)] = targetProperties(t)
	}
	return extra
}

func refTexts(c *Control) (texts []string) {
	for _, ref := range c.Refs {
		texts = append(texts, ref.String())
	}
	return texts
}

// ctrfText bounds a text that must not be empty.
func ctrfText(text string) string { return cmp.Or(judge.Printable(text, longestCell), "unknown") }
