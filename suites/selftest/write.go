package selftest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// Write writes selftest.json and selftest.md into a folder and returns their
// paths.
func (r *Result) Write(dir string, all []catalogue.Control) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the self-test's folder: %w", err)
	}
	data, err := r.JSON()
	if err != nil {
		return nil, err
	}
	var matrix strings.Builder
	r.Matrix(&matrix, all)
	var written []string
	for name, content := range map[string][]byte{"selftest.json": data, "selftest.md": []byte(matrix.String())} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return written, fmt.Errorf("write the self-test's result: %w", err)
		}
		written = append(written, path)
	}
	slices.Sort(written)
	return written, nil
}

// JSON is the result as selftest.json holds it: whole, and without characters that
// a terminal would act on.
func (r *Result) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the self-test's result: %w", err)
	}
	return reports.EscapeInvisible(append(data, '\n')), nil
}

// longestLine bounds what is shown of a reason or failure, in characters.
const longestLine = 2000

// shown makes a text harmless in which a pod or a cluster may have had a part.
func shown(text string) string { return judge.Printable(text, longestLine) }

// Text shows the trials for people, a line or two each, and the outcome.
func (r *Result) Text(w io.Writer) {
	fmt.Fprintf(w, "%-9s %-23s %s\n", "", "sound set-up", shown(r.Sound.line()))
	for _, t := range r.Trials {
		state := "caught"
		switch {
		case t.Failure != "":
			state = "NOT TRIED"
		case t.Survived():
			state = "SURVIVED"
		}
		fmt.Fprintf(w, "%-9s %-23s %s\n", state, t.Mutant, shown(t.line()))
	}
	for _, recorded := range r.Recorded {
		fmt.Fprintf(w, "%-9s %-23s %s\n", "recorded", recorded.Name(), shown(recorded.line()))
	}
	for _, u := range r.NothingHere {
		fmt.Fprintf(w, "nothing to see on this node: %s (%s)\n", u.Control, shown(u.Why))
	}
	outcome, causes := r.Outcome()
	fmt.Fprintf(w, "\n%d mutants, %d recordings judged, %d controls shown able to fail, in %s\n", len(r.Trials), len(r.Recorded), r.proven(), r.Finished.Sub(r.Started).Round(time.Second))
	for _, cause := range causes {
		fmt.Fprintln(w, "  "+shown(cause))
	}
	switch outcome {
	case Sharp:
		fmt.Fprintln(w, "SHARP: every mutant was caught, and nothing fired without cause")
	case Blunt:
		fmt.Fprintln(w, "BLUNT: the suite does not catch what it must")
	default:
		fmt.Fprintln(w, "PARTIAL: not everything could be tried")
	}
}

// proven counts the controls that something made fail.
func (r *Result) proven() int {
	shown := map[string]bool{}
	for _, t := range append([]Trial{r.Sound}, r.Trials...) {
		for id, v := range t.Verdicts {
			if v.Shown || v.Result == judge.Fail {
				shown[id] = true
			}
		}
	}
	return len(shown)
}

// line is what a trial came to, in one line.
func (t Trial) line() string {
	if t.Failure != "" {
		return t.Failure
	}
	var parts []string
	if t.Mutant == "" {
		counts := map[judge.Result]int{}
		for _, v := range t.Verdicts {
			counts[v.Result]++
		}
		parts = append(parts, fmt.Sprintf("%d pass, %d not applicable, %d findings that are expected",
			counts[judge.Pass], counts[judge.NotApplicable], counts[judge.Fail]))
	} else {
		parts = append(parts, fmt.Sprintf("by %d of %d: %s", len(t.Caught), len(t.Caught)+len(t.Missed), list(t.Caught)))
	}
	if len(t.Also) > 0 {
		parts = append(parts, "also by "+list(t.Also))
	}
	if len(t.Missed) > 0 {
		parts = append(parts, "MISSED by "+list(t.Missed))
	}
	if len(t.Alarms) > 0 {
		parts = append(parts, "FIRED WITHOUT CAUSE: "+list(t.Alarms))
	}
	return strings.Join(parts, "; ")
}

// Matrix writes the whole table as Markdown: controls by mutants.
func (r *Result) Matrix(w io.Writer, all []catalogue.Control) {
	outcome, causes := r.Outcome()
	fmt.Fprintf(w, "# Self-test of katacert %s\n\n%s, %d mutants, outcome: **%s**\n\n", r.Version, r.Started.Format(time.RFC3339), len(r.Trials), outcome)
	for _, cause := range causes {
		fmt.Fprintf(w, "- %s\n", reports.Prose(cause))
	}
	fmt.Fprintf(w, "\n| # | mutant | what is broken | how it is made |\n|---|---|---|---|\n")
	for i, t := range r.Trials {
		fmt.Fprintf(w, "| %d | %s | %s | %s |\n", i+1, t.Mutant, reports.Prose(t.Broken), reports.Prose(t.Means))
	}
	fmt.Fprintf(w, "\n**C** caught as it must, c caught too with cause, **M** missed, **!** fired without cause or could not be judged, · held, n nothing to see on this node. "+
		"Column 0 is the sound set-up, in which f is an expected finding.\n\n| control | shown | 0 |")
	for i := range r.Trials {
		fmt.Fprintf(w, " %d |", i+1)
	}
	fmt.Fprintf(w, "\n|---|---|---|%s\n", strings.Repeat("---|", len(r.Trials)))
	for _, c := range all {
		fmt.Fprintf(w, "| %s | %s | %s |", c.ID, r.shownBy(c), r.Sound.cell(c.ID))
		for _, t := range r.Trials {
			fmt.Fprintf(w, " %s |", t.cell(c.ID))
		}
		fmt.Fprintln(w)
	}
	r.recordings(w)
}

// recordings writes what became of recorded evidence, of which the controls of the
// table above know nothing.
func (r *Result) recordings(w io.Writer) {
	if len(r.Recorded) == 0 {
		return
	}
	fmt.Fprintf(w, "\nEvidence that was recorded on other nodes and judged again here: as it was, and broken on purpose. It tries the judge and not the probes.\n\n"+
		"| trial | recording | what is broken | caught by | missed by | fired without cause |\n|---|---|---|---|---|---|\n")
	for _, t := range r.Recorded {
		broken := t.Broken
		if t.Trial == "" {
			broken = "nothing; the findings are what it leaves open as everybody gets it"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", t.Name(), reports.Prose(t.What), reports.Prose(broken), list(t.Caught), list(t.Missed), list(t.Alarms))
	}
}

// byRecording says whether a recording shows the control able to fail.
func byRecording(c catalogue.Control) bool {
	return c.Rule != nil && c.Rule.Control == evidence.Recording
}

// shownBy says by what a control was shown able to fail.
func (r *Result) shownBy(c catalogue.Control) string {
	control := c.ID
	if byRecording(c) {
		return "recorded"
	}
	if r.Sound.Verdicts[control].Shown {
		return "control vantage"
	}
	for i, t := range r.Trials {
		if v := t.Verdicts[control]; v.Shown || v.Result == judge.Fail {
			return fmt.Sprintf("mutant %d", i+1)
		}
	}
	if r.recordingCatches(control) {
		return "recorded"
	}
	return "–"
}

func (t Trial) cell(control string) string {
	v, judged := t.Verdicts[control]
	switch {
	case slices.Contains(t.Caught, control):
		return "**C**"
	case slices.Contains(t.Missed, control):
		return "**M**"
	case slices.Contains(t.Alarms, control):
		return "**!**"
	case slices.Contains(t.Also, control):
		return "c"
	case slices.Contains(t.NotHere, control):
		return "n"
	case !judged:
		return ""
	case v.Result == judge.Fail:
		return "f"
	default:
		return "·"
	}
}

func list(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
