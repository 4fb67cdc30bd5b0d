package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/katacert/katacert/suites/judge"
)

type (
	junitMessage struct{ Type, Message, Body string }
	// junitCase is a testcase of the junit-10 dialect that the Jenkins xunit plugin
	// reads. At most one of its messages is set.
	junitCase struct {
		Name, Class             string
		About                   properties
		Skipped, Error, Failure *junitMessage
		Out                     string
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
		c.About = verdictProperties(row)
		return c
	})
}

func junit(w io.Writer, r *Report, caseOf func(Row) junitCase) error {
	sheets := r.Sheets()
	var all junitTotals
	for _, sheet := range sheets {
		all = all.plus(totals(sheet))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	text := &xmlText{}
	text.begin("testsuites", "name", r.Run.Tool, "time", seconds(r.Run.Finished.Sub(r.Run.Started)),
		"tests", strconv.Itoa(all.tests), "failures", strconv.Itoa(all.failures), "errors", strconv.Itoa(all.errors))
	about, spans := r.runProperties(), r.spans()
	for _, sheet := range sheets {
		text.suite(sheet, spans.of(sheet.Target.ID), about, caseOf)
		// One suite is held at a time.
		if _, err := text.text.WriteTo(w); err != nil {
			return fmt.Errorf("write suite %s: %w", sheet.Target.ID, err)
		}
	}
	text.end()
	_, err := text.text.WriteTo(w)
	return err
}

func (t *xmlText) suite(sheet Sheet, took span, run properties, caseOf func(Row) junitCase) {
	n := totals(sheet)
	t.begin("testsuite", "name", judge.Printable(sheet.Target.ID, longestCell),
		"tests", strconv.Itoa(n.tests), "failures", strconv.Itoa(n.failures), "errors", strconv.Itoa(n.errors), "skipped", strconv.Itoa(n.skipped),
		"time", seconds(took.ended.Sub(took.began)), "timestamp", took.began.UTC().Format(time.RFC3339),
		"hostname", judge.Printable(sheet.Target.Node.Name, longestCell))
	t.properties(append(slices.Clone(run), targetProperties(sheet.Target)...))
	for _, row := range sheet.Rows {
		t.testCase(caseOf(row))
	}
	t.end()
}

func (t *xmlText) testCase(c junitCase) {
	t.begin("testcase", "name", c.Name, "classname", c.Class)
	if c.About != nil {
		t.properties(c.About)
	}
	t.message("skipped", c.Skipped)
	t.message("error", c.Error)
	t.message("failure", c.Failure)
	if c.Out != "" {
		t.element("system-out", c.Out)
	}
	t.end()
}

func (t *xmlText) message(name string, m *junitMessage) {
	if m != nil {
		t.element(name, m.Body, "type", m.Type, "message", m.Message)
	}
}

func (t *xmlText) properties(list properties) {
	t.begin("properties")
	for _, p := range list {
		t.element("property", "", "name", p.Name, "value", p.Value)
	}
	t.end()
}

func testCase(row Row) junitCase {
	c := junitCase{
		Name:  row.Control.ID + " [" + judge.Printable(row.Verdict.Target, longestCell) + "]",
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
	say := func(parts ...string) {
		for _, part := range parts {
			b.WriteString(part)
		}
	}
	say(row.Control.Title, "\n")
	truth, control, subject := row.Control.Columns()
	for _, c := range row.Verdict.Compared {
		say(judge.Printable(c.Reading, longestCell), "\n  ", truth, ": ", judge.Printable(c.Truth, longestCell), "\n")
		if c.Control != "" {
			say("  ", control, ": ", judge.Printable(c.Control, longestCell), "\n")
		}
		say("  ", subject, ": ", judge.Printable(c.Subject, longestCell))
		if said := Note(c); said != "" {
			say(" (", said, ")")
		}
		say("\n")
	}
	if row.Verdict.Result != judge.Pass && row.Control.OnFail != "" {
		say("what to do: ", row.Control.OnFail, "\n")
	}
	return b.String()
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
