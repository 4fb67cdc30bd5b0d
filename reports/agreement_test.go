package reports_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// told is what a reader of one format learns: the mark of every control on every
// target (the key is "control target"), and the outcome in words.
type told struct {
	marks    map[string]string
	headline string
}

// readers take the formats apart as programs of other makers do, each without
// help from the code that wrote them.
var readers = map[string]func(t *testing.T, text []byte) told{
	"json": readJSON, "junit": readJUnit, "markdown": readMarkdown, "html": readPage, "ctrf": readCTRF, "oscal": readOSCAL,
}

// Whatever a run comes to, no format may say anything else of it than another.
func TestFormatsNeverDisagree(t *testing.T) {
	for seed := range uint64(60) {
		r := randomReport(rand.New(rand.NewPCG(seed, 7)))
		want := told{marks: map[string]string{}, headline: r.Headline()}
		for _, sheet := range r.Sheets() {
			for _, row := range sheet.Rows {
				want.marks[row.Control.ID+" "+row.Verdict.Target] = row.Mark()
			}
		}
		if planned := len(r.Controls) * max(1, len(r.Targets)); len(want.marks) != planned {
			t.Fatalf("seed %d: %d verdicts, %d were planned", seed, len(want.marks), planned)
		}
		for _, format := range reports.Formats() {
			read, ok := readers[format.Name]
			if !ok {
				t.Fatalf("format %s has no reader here", format.Name)
			}
			got := read(t, rendered(t, format.Name, r))
			if got.headline != want.headline {
				t.Errorf("seed %d: %s says %q, want %q", seed, format.Name, got.headline, want.headline)
			}
			if !maps.Equal(got.marks, want.marks) {
				t.Errorf("seed %d: %s tells\n%v\nwant\n%v", seed, format.Name, got.marks, want.marks)
			}
		}
		if properties := readJUnit(t, rendered(t, "junit-properties", r)); !maps.Equal(properties.marks, want.marks) {
			t.Errorf("seed %d: junit-properties tells\n%v\nwant\n%v", seed, properties.marks, want.marks)
		}
		requireMetrics(t, r, want.marks)
	}
}

// rendered writes a report that is concluded in one format.
func rendered(t *testing.T, name string, r *reports.Report) []byte {
	t.Helper()
	format, err := reports.Format(name)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := format.Write(&text, r); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// randomReport is a run that came to anything at all: cut short, without targets,
// with verdicts that are missing.
func randomReport(random *rand.Rand) *reports.Report {
	r := sample.Large(1+random.IntN(4), 1+random.IntN(9))
	if random.IntN(3) == 0 {
		r.Run.Require = catalogue.Hardening
	}
	switch random.IntN(6) {
	case 0:
		r.Run.SetupError, r.Targets, r.Verdicts, r.Timings = "no route to the cluster", nil, nil, nil
	case 1:
		r.Run.Interrupted = "terminated"
	}
	for i := range r.Controls {
		r.Controls[i].Level = []catalogue.Level{catalogue.Isolation, catalogue.Hardening}[random.IntN(2)]
	}
	kept := r.Verdicts[:0]
	for _, v := range r.Verdicts {
		v.Result = judge.Results()[random.IntN(len(judge.Results()))]
		if random.IntN(12) > 0 {
			kept = append(kept, v)
		}
	}
	r.Verdicts = kept
	r.Conclude()
	return r
}

func readJSON(t *testing.T, text []byte) told {
	var r reports.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	got := told{marks: map[string]string{}, headline: r.Headline()}
	for _, v := range r.Verdicts {
		mark := string(v.Result)
		if r.Finding(v) {
			mark = "finding"
		}
		got.marks[v.Control+" "+v.Target] = mark
	}
	return got
}

func readJUnit(t *testing.T, text []byte) told {
	var suites junitSuites
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	got := told{marks: map[string]string{}}
	for _, suite := range suites.Suites {
		for _, property := range suite.Properties {
			if property.Name == "headline" {
				got.headline = property.Value
			}
		}
		for _, c := range suite.Cases {
			mark := "pass"
			for _, message := range []*junitMessage{c.Failure, c.Error, c.Skipped} {
				if message != nil {
					mark = message.Type
				}
			}
			got.marks[strings.NewReplacer("[", "", "]", "").Replace(c.Name)] = mark
		}
	}
	return got
}

func readCTRF(t *testing.T, text []byte) told {
	var document struct {
		Results struct {
			Environment struct {
				ReportName string
				Healthy    bool
			}
			Summary struct{ Tests, Passed, Failed, Skipped, Other int }
			Tests   []struct {
				Status, RawStatus string
				Labels            struct{ Control, Target string }
			}
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	got := told{marks: map[string]string{}, headline: document.Results.Environment.ReportName}
	counts := map[string]int{}
	for _, test := range document.Results.Tests {
		counts[test.Status]++
		got.marks[test.Labels.Control+" "+test.Labels.Target] = test.RawStatus
		if want := map[string]string{"pass": "passed", "not-applicable": "skipped", "finding": "other"}[test.RawStatus]; test.Status != want && (want != "" || test.Status != "failed") {
			t.Errorf("ctrf: %s is called %s", test.RawStatus, test.Status)
		}
	}
	sum := document.Results.Summary
	if sum.Tests != len(document.Results.Tests) || sum.Passed != counts["passed"] || sum.Failed != counts["failed"] || sum.Skipped != counts["skipped"] || sum.Other != counts["other"] {
		t.Errorf("ctrf: the summary is %+v, the tests are %v", sum, counts)
	}
	if document.Results.Environment.Healthy != strings.HasPrefix(got.headline, "CERTIFIED") {
		t.Errorf("ctrf: healthy is %v, but the headline %q", document.Results.Environment.Healthy, got.headline)
	}
	return got
}

// readOSCAL takes marks from the observations, and checks that every finding
// follows from those that it names.
func readOSCAL(t *testing.T, text []byte) told {
	document := oscalOf(t, text)
	result := document.Results[0]
	got := told{marks: map[string]string{}, headline: result.Description}
	require := propsOf(result.Props)["require"]
	levels, byID, every := map[string]string{}, map[string]map[string]string{}, map[string]int{}
	for _, objective := range document.Definitions.Objectives {
		levels[objective.Parts[0].ID] = propsOf(objective.Props)["level"]
	}
	for _, o := range result.Observations {
		props := propsOf(o.Props)
		mark := props["verdict"]
		if mark == "fail" && levels[props["control"]] == "hardening" && require == "isolation" {
			mark = "finding"
		}
		got.marks[props["control"]+" "+props["target"]] = mark
		byID[o.UUID], every[props["control"]] = props, every[props["control"]]+1
	}
	for _, finding := range result.Findings {
		verdicts := map[string]int{}
		for _, pointer := range finding.Observations {
			props := byID[pointer.UUID]
			if props["control"] != finding.Target.ID {
				t.Errorf("oscal: the finding on %s rests on an observation of %q", finding.Target.ID, props["control"])
			}
			verdicts[props["verdict"]]++
		}
		want := "satisfied pass"
		switch {
		case verdicts["fail"] > 0:
			want = "not-satisfied fail"
		case verdicts["error"]+verdicts["invalid"] > 0:
			want = "not-satisfied other"
		}
		if state := finding.Target.Status.State + " " + finding.Target.Status.Reason; state != want {
			t.Errorf("oscal: %s with the verdicts %v is %s, want %s", finding.Target.ID, verdicts, state, want)
		}
		if len(finding.Observations) != every[finding.Target.ID] || verdicts["not-applicable"] == every[finding.Target.ID] {
			t.Errorf("oscal: the finding on %s rests on %v of %d verdicts", finding.Target.ID, verdicts, every[finding.Target.ID])
		}
		if (finding.Target.Status.Reason == "fail") != (len(finding.Risks) == 1) {
			t.Errorf("oscal: the finding on %s names %d risks", finding.Target.ID, len(finding.Risks))
		}
	}
	return got
}

var markdownCell = regexp.MustCompile("`([^`]+)`")

func readMarkdown(t *testing.T, text []byte) told {
	lines := strings.Split(string(text), "\n")
	got := told{marks: map[string]string{}, headline: strings.TrimPrefix(lines[0], "# ")}
	at := slices.Index(lines, "## All verdicts")
	if at < 0 {
		t.Fatal("the summary has no table of verdicts")
	}
	var targets []string
	for _, cell := range markdownCell.FindAllStringSubmatch(lines[at+2], -1) {
		targets = append(targets, cell[1])
	}
	for _, line := range lines[at+4:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != len(targets)+1 {
			break
		}
		for i, target := range targets {
			got.marks[strings.Trim(cells[0], "`")+" "+target] = cells[i+1]
		}
	}
	return got
}

// readPage reads the matrix of the page.
func readPage(t *testing.T, text []byte) told {
	got := told{marks: map[string]string{}}
	var targets []string
	walk(t, text, func(n *html.Node) {
		switch {
		case n.Data == "h1":
			got.headline = textOf(n)
		case n.Data == "th" && attribute(n, "class") == "id" && within(n, "matrix"):
			targets = append(targets, textOf(n))
		case n.Data == "tr" && attribute(n, "data-marks") != "" && within(n, "matrix"):
			var control string
			var marks []string
			for cell := range n.ChildNodes() {
				for inner := range cell.Descendants() {
					if inner.Data == "a" {
						control = textOf(inner)
					}
					if mark, ok := strings.CutPrefix(attribute(inner, "class"), "badge "); ok {
						marks = append(marks, mark)
					}
				}
			}
			for i, mark := range marks {
				got.marks[fmt.Sprintf("%s %s", control, targets[i])] = mark
			}
		}
	})
	return got
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// within says whether an element around n has the class.
func within(n *html.Node, class string) bool {
	for around := n.Parent; around != nil; around = around.Parent {
		if slices.Contains(strings.Fields(attribute(around, "class")), class) {
			return true
		}
	}
	return false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for inner := range n.Descendants() {
		if inner.Type == html.TextNode {
			b.WriteString(inner.Data)
		}
	}
	return strings.TrimSpace(b.String())
}
