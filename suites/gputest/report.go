package gputest

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/katacert/katacert/suites/judge"
)

// ReportSchema names the format of report.json.
const ReportSchema = "katacert.dev/gpu-test/v1"

// Report is what a run comes to.
type Report struct {
	Schema  string   `json:"schema"`
	Run     string   `json:"run"`
	GPU     string   `json:"gpu"`
	Results []Row    `json:"controls"`
	Figures []Figure `json:"figures"`
	Notes   []string `json:"notes,omitempty"`
}

// Row is one control with its verdict at every place.
type Row struct {
	ID       string                  `json:"id"`
	Title    string                  `json:"title"`
	Verdicts map[Place]judge.Verdict `json:"verdicts"`
}

// Conclude judges the evidence of a run.
func Conclude(run string, r Recorded, notes []string) Report {
	uuid, description := r.Card()
	report := Report{Schema: ReportSchema, Run: run, GPU: description, Figures: Figures(r, uuid), Notes: notes}
	for _, control := range Controls() {
		row := Row{ID: control.ID, Title: control.Title, Verdicts: map[Place]judge.Verdict{}}
		for _, place := range Places() {
			row.Verdicts[place] = control.Judge(r, place)
		}
		report.Results = append(report.Results, row)
	}
	return report
}

// Counts are how many verdicts there are of each kind.
func (r Report) Counts() map[judge.Result]int {
	counts := map[judge.Result]int{}
	for _, row := range r.Results {
		for _, verdict := range row.Verdicts {
			counts[verdict.Result]++
		}
	}
	return counts
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(out, "GPU test %s\n%s\n\ncontrol\tnative\trunc\trunsc\n", r.Run, r.GPU)
	for _, row := range r.Results {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", row.ID, row.Verdicts[Native].Result, row.Verdicts[Runc].Result, row.Verdicts[Runsc].Result)
	}
	fmt.Fprint(out, "\nfigure (median)\tnative\trunc\tto native\trunsc\tto native\tof the card's peak\n")
	for _, f := range r.Figures {
		fmt.Fprintf(out, "%s, %s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, f.Unit,
			f.shown(Native), f.shown(Runc), f.ratio(Runc), f.shown(Runsc), f.ratio(Runsc), f.ofPeak())
	}
	fmt.Fprintln(out)
	if err := out.Flush(); err != nil {
		return err
	}
	for _, row := range r.Results {
		fmt.Fprintf(w, "%s: %s\n", row.ID, row.Title)
		for _, place := range Places() {
			fmt.Fprintf(w, "    %-6s %-14s %s\n", place, row.Verdicts[place].Result, row.Verdicts[place].Reason)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	counts := r.Counts()
	_, err := fmt.Fprintf(w, "%d pass, %d fail, %d error, %d invalid, %d not applicable\n",
		counts[judge.Pass], counts[judge.Fail], counts[judge.Error], counts[judge.Invalid], counts[judge.NotApplicable])
	return err
}

// shown is a place's median with the range of its samples.
func (f Figure) shown(p Place) string {
	median, ok := f.Median(p)
	if !ok {
		return "-"
	}
	low, high := median, median
	for _, sample := range f.Samples[p] {
		low, high = min(low, sample), max(high, sample)
	}
	digits := 0
	switch {
	case median < 10:
		digits = 2
	case median < 1000:
		digits = 1
	}
	return fmt.Sprintf("%.*f (%.*f to %.*f, n=%d)", digits, median, digits, low, digits, high, len(f.Samples[p]))
}

func (f Figure) ratio(p Place) string {
	if ratio, ok := f.Ratio(p); ok {
		return fmt.Sprintf("%.3f", ratio)
	}
	return "-"
}

// ofPeak is how much of the card's peak is reached natively.
func (f Figure) ofPeak() string {
	median, ok := f.Median(Native)
	if !ok || f.Peak == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %% natively", 100*median/f.Peak)
}
