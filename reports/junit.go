package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/katacert/katacert/suites/judge"
)

// The elements of the junit-10 dialect that the Jenkins xunit plugin reads.
type (
	junitMessage struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Body    string `xml:",chardata"`
	}
	junitCase struct {
		XMLName xml.Name      `xml:"testcase"`
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		About   *junitAbout   `xml:"properties,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
		Error   *junitMessage `xml:"error,omitempty"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitAbout struct {
		List properties `xml:"property"`
	}
	junitTotals struct{ tests, failures, errors, skipped int }
)

// writeJUnit writes one suite per target and one case per control and target.
func writeJUnit(w io.Writer, r *Report) error { return junit(w, r, testCase) }

// writeJUnitWithProperties gives every case properties of its own, which pytest and
// others write and many readers understand. The schema of Jenkins has no place for
// them, so that they are in a format of their own.
func writeJUnitWithProperties(w io.Writer, r *Report) error {
	return junit(w, r, func(row Row) junitCase {
		c := testCase(row)
		c.About = &junitAbout{verdictProperties(row)}
		return c
	})
}

func junit(w io.Writer, r *Report, caseOf func(Row) junitCase) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	sheets := r.Sheets()
	var all junitTotals
	for _, sheet := range sheets {
		all = all.plus(totals(sheet))
	}
	root := element("testsuites", "name", r.Run.Tool, "time", seconds(r.Run.Finished.Sub(r.Run.Started)),
		"tests", all.tests, "failures", all.failures, "errors", all.errors)
	if err := encoder.EncodeToken(root); err != nil {
		return err
	}
	about := r.runProperties()
	for _, sheet := range sheets {
		if err := r.junitSuite(encoder, sheet, about, caseOf); err != nil {
			return fmt.Errorf("write suite %s: %w", sheet.Target.ID, err)
		}
	}
	if err := encoder.EncodeToken(root.End()); err != nil {
		return err
	}
	return encoder.Close()
}

func (r *Report) junitSuite(encoder *xml.Encoder, sheet Sheet, run properties, caseOf func(Row) junitCase) error {
	n := totals(sheet)
	began, took := r.span(sheet.Target.ID)
	suite := element("testsuite", "name", judge.Printable(sheet.Target.ID, longestCell),
		"tests", n.tests, "failures", n.failures, "errors", n.errors, "skipped", n.skipped,
		"time", seconds(took), "timestamp", began.UTC().Format(time.RFC3339), "hostname", judge.Printable(sheet.Target.Node.Name, longestCell))
	if err := encoder.EncodeToken(suite); err != nil {
		return err
	}
	about := junitAbout{append(slices.Clone(run), targetProperties(sheet.Target)...)}
	if err := encoder.EncodeElement(about, element("properties")); err != nil {
		return err
	}
	for _, row := range sheet.Rows {
		if err := encoder.Encode(caseOf(row)); err != nil {
			return err
		}
	}
	return encoder.EncodeToken(suite.End())
}

func testCase(row Row) junitCase {
	c := junitCase{
		Name:  fmt.Sprintf("%s [%s]", row.Control.ID, judge.Printable(row.Verdict.Target, longestCell)),
		Class: "katacert." + string(row.Control.Group),
	}
	details := readings(row)
	message := &junitMessage{Type: row.Mark(), Message: judge.Printable(row.Verdict.Reason, longestReason)}
	switch {
	case row.Finding:
		message.Message = "finding: " + message.Message
		c.Skipped, c.Out = message, details
	case row.Verdict.Result == judge.NotApplicable:
		c.Skipped, c.Out = message, details
	case row.Verdict.Result == judge.Fail:
		message.Body = details
		c.Failure = message
	case row.Verdict.Result == judge.Pass:
		c.Out = message.Message + "\n" + details
	default:
		message.Body = details
		c.Error = message
	}
	return c
}

// readings lists what decided a verdict, for formats of plain text.
func readings(row Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", row.Control.Title)
	truth, control, subject := row.Control.Columns()
	for _, c := range row.Verdict.Compared {
		fmt.Fprintf(&b, "%s\n  %s: %s\n", judge.Printable(c.Reading, longestCell), truth, judge.Printable(c.Truth, longestCell))
		if c.Control != "" {
			fmt.Fprintf(&b, "  %s: %s\n", control, judge.Printable(c.Control, longestCell))
		}
		fmt.Fprintf(&b, "  %s: %s", subject, judge.Printable(c.Subject, longestCell))
		if said := Note(c); said != "" {
			fmt.Fprintf(&b, " (%s)", said)
		}
		b.WriteByte('\n')
	}
	if row.Verdict.Result != judge.Pass && row.Control.OnFail != "" {
		fmt.Fprintf(&b, "what to do: %s\n", row.Control.OnFail)
	}
	return b.String()
}

// span returns when the phases of a target began and how long they took
// together; those of the run for a target that has none.
func (r *Report) span(target string) (time.Time, time.Duration) {
	var began, ended time.Time
	for _, t := range r.Timings {
		if t.Target != target {
			continue
		}
		if began.IsZero() || t.Started.Before(began) {
			began = t.Started
		}
		if end := t.Started.Add(t.Duration); end.After(ended) {
			ended = end
		}
	}
	if began.IsZero() {
		return r.Run.Started, r.Run.Finished.Sub(r.Run.Started)
	}
	return began, ended.Sub(began)
}

func totals(sheet Sheet) (n junitTotals) {
	n.tests = len(sheet.Rows)
	for _, row := range sheet.Rows {
		switch {
		case row.Finding, row.Verdict.Result == judge.NotApplicable:
			n.skipped++
		case row.Verdict.Result == judge.Fail:
			n.failures++
		case row.Verdict.Result != judge.Pass:
			n.errors++
		}
	}
	return n
}

func (n junitTotals) plus(m junitTotals) junitTotals {
	return junitTotals{n.tests + m.tests, n.failures + m.failures, n.errors + m.errors, n.skipped + m.skipped}
}

// seconds writes a duration as the schema's SUREFIRE_TIME.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", max(d, 0).Seconds()) }

func element(name string, attributes ...any) xml.StartElement {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	for i := 0; i+1 < len(attributes); i += 2 {
		start.Attr = append(start.Attr, xml.Attr{Name: xml.Name{Local: fmt.Sprint(attributes[i])}, Value: fmt.Sprint(attributes[i+1])})
	}
	return start
}
