package reports

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/katacert/katacert/suites/judge"
)

const (
	// oscalVersion is the version of NIST's Open Security Controls Assessment
	// Language whose assessment-results model is written.
	oscalVersion = "1.1.3"
	// oscalNamespace tells katacert's properties from NIST's own.
	oscalNamespace = "https://katacert.dev/ns/oscal"
)

// oscal gathers what the parts of the document point at.
type oscal struct {
	r      *Report
	sheets []Sheet
	// objectives are the controls with their verdicts on every target.
	objectives []*objective
	// ids are the identities of the observations, each of which is named up to three
	// times, in the order of the sheets and their rows.
	ids []string
	// prose keeps sentences as Markdown, which a thousand targets have in common.
	prose map[string]string
	// rests keeps what the verdicts of a control on the last target rest on, in words.
	rests map[string]restText
}

// writeOSCAL writes the assessment results: every verdict is an observation of one
// target, every control that came to something a finding, and every control that
// failed a risk. What was compared and judged is in the observations; a control
// that was not applicable anywhere is excluded from what was reviewed, because
// nothing was found of it.
func writeOSCAL(w io.Writer, r *Report) error {
	o := &oscal{r: r, sheets: r.Sheets(), prose: map[string]string{}, rests: map[string]restText{}}
	o.objectives = objectivesOf(o.sheets)
	for _, sheet := range o.sheets {
		for _, row := range sheet.Rows {
			o.ids = append(o.ids, r.identity("verdict", row.Control.ID, row.Verdict.Target))
		}
	}
	s := &jsonStream{w: w}
	return s.document(func() {
		s.object("assessment-results", func() {
			s.field("uuid", r.identity("oscal"))
			s.field("metadata", o.metadata())
			s.field("import-ap", oscalImport{Href: "#" + r.identity("plan"),
				Remarks: "The plan is the catalogue of katacert for the profile of the run, applied to the targets below."})
			s.object("local-definitions", func() { s.some("objectives-and-methods", o.definitions()) })
			s.objects("results", func() { o.result(s) })
			s.object("back-matter", func() { s.field("resources", o.resources()) })
		})
	})
}

func (o *oscal) metadata() oscalMetadata {
	return oscalMetadata{
		Title:        "Isolation of sandboxed pods on cluster " + Prose(orUnknown(o.r.Cluster.Name)),
		LastModified: oscalTime(o.r.Run.Finished), Version: orUnknown(o.r.Run.ID), OSCALVersion: oscalVersion,
		Remarks: Prose(o.r.Headline()),
	}
}

func (o *oscal) result(s *jsonStream) {
	r := o.r
	s.field("uuid", r.identity("result"))
	s.field("title", "Run "+Prose(orUnknown(r.Run.ID)))
	s.field("description", Prose(r.Headline()))
	s.field("start", oscalTime(r.Run.Started))
	s.field("end", oscalTime(r.Run.Finished))
	s.field("props", oscalProps(r.runProperties()))
	s.object("local-definitions", func() {
		s.field("components", o.components())
		s.some("inventory-items", o.inventory())
		s.field("assessment-assets", o.assets())
	})
	s.field("reviewed-controls", o.reviewed())
	if len(r.Timings) > 0 {
		s.object("assessment-log", func() { s.list("entries", o.log()) })
	}
	s.some("observations", o.observations())
	s.some("risks", o.risks())
	s.some("findings", o.findings())
	s.field("remarks", o.remarks())
}

// remarks says what must be known before believing the rest.
func (o *oscal) remarks() string {
	var b strings.Builder
	if label, text := o.r.Cause(); label != "" {
		fmt.Fprintf(&b, "%s: %s\n\n", label, Prose(text))
	}
	for _, notice := range o.r.Notices {
		fmt.Fprintf(&b, "Notice: %s\n\n", Prose(notice))
	}
	for _, left := range o.r.Leftovers {
		fmt.Fprintf(&b, "Left behind: %s\n\n", Prose(left))
	}
	for _, skip := range o.r.Skipped {
		fmt.Fprintf(&b, "Left out of the plan: %s: %s\n\n", Prose(skip.What), Prose(skip.Why))
	}
	b.WriteString("Where a verdict is invalid or error, nothing was proven; its finding is not satisfied, for the reason other.")
	return b.String()
}

func (o *oscal) log() iter.Seq[any] {
	return func(yield func(any) bool) {
		for i, t := range o.r.Timings {
			title := t.Phase
			if t.Target != "" {
				title += " of " + t.Target
			}
			if !yield(oscalLogEntry{UUID: o.r.identity("phase", fmt.Sprint(i)), Title: Prose(title),
				Start: oscalTime(t.Started), End: oscalTime(t.Started.Add(t.Duration))}) {
				return
			}
		}
	}
}

func (o *oscal) resources() []oscalResource {
	return []oscalResource{
		{UUID: o.r.identity("plan"), Title: "Plan of the run", Description: "The controls, targets and what was left out, as report.json has them.",
			RLinks: []oscalLink{{Href: "report.json", MediaType: "application/json"}}},
		{UUID: o.r.identity("evidence"), Title: "Evidence of the run", Description: "Every observation that a verdict rests on, one record a line.",
			RLinks: []oscalLink{{Href: "evidence.jsonl", MediaType: "application/jsonl"}}},
	}
}

// noToken matches what a token of OSCAL cannot hold.
var noToken = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// oscalProps makes properties of katacert's own name space. OSCAL wants values
// without space around them, and names that are tokens.
func oscalProps(list properties) (props []oscalProp) {
	for _, p := range list {
		if value := strings.TrimSpace(p.Value); value != "" {
			props = append(props, oscalProp{Name: noToken.ReplaceAllString(p.Name, "-"), NS: oscalNamespace, Value: value})
		}
	}
	return props
}

func oscalTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// orUnknown bounds a text that OSCAL wants to be there, without space around it.
func orUnknown(text string) string {
	return cmp.Or(strings.TrimSpace(judge.Printable(text, longestCell)), "unknown")
}

// nistControl turns a reference such as "AC-6(9)" into OSCAL's id "ac-6.9".
func nistControl(id string) string {
	return strings.ToLower(strings.NewReplacer("(", ".", ")", "").Replace(id))
}

// nistControls lists the controls of NIST SP 800-53 that a control stands for.
func nistControls(c *Control) (ids []string) {
	for _, ref := range c.Refs {
		if strings.HasPrefix(ref.Source, "NIST SP 800-53") && !slices.Contains(ids, nistControl(ref.ID)) {
			ids = append(ids, nistControl(ref.ID))
		}
	}
	return ids
}
