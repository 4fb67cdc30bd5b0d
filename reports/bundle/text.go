package bundle

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/judge"
)

// Text writes the result for people: what the bundle says, what was checked, what
// was found, and what it comes to.
func (r *Result) Text(w io.Writer) error {
	out := bufio.NewWriter(w)
	if r.Headline != "" {
		fmt.Fprintf(out, "The bundle says: %s\n", judge.Printable(r.Headline, longestFault))
	}
	if r.Run != "" {
		fmt.Fprintf(out, "run %s, ended %s, by katacert %s\n", judge.Printable(r.Run, 100), r.Finished.Format(time.RFC3339), judge.Printable(r.Tool.Version, 100))
		fmt.Fprintf(out, "signed by %s, key %s\n", judge.Printable(string(r.Signing.By)+" ("+r.Signing.Algorithm+")", 100), judge.Printable(r.Signing.KeyID, 64))
	}
	fmt.Fprintln(out)
	for _, c := range r.Checks {
		mark := string(c.State)
		if c.State != Sound {
			mark = strings.ToUpper(mark)
		}
		fmt.Fprintf(out, "%-12s %-13s %s\n", mark, c.Name, c.Text)
		for _, fault := range c.Faults {
			fmt.Fprintf(out, "    %s\n", fault)
		}
		if more := c.Found - len(c.Faults); more > 0 {
			fmt.Fprintf(out, "    and %d more\n", more)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "\nnote: %s\n", note)
	}
	fmt.Fprintf(out, "\n%s\n", r.conclusion())
	return out.Flush()
}

// conclusion says in one line what the checks come to.
func (r *Result) conclusion() string {
	faults := 0
	var open []string
	for _, c := range r.Checks {
		faults += c.Found
		if c.State == NotChecked {
			open = append(open, c.Name)
		}
	}
	switch r.Verdict() {
	case Verified:
		return "VERIFIED: it is as it was signed, and its evidence gives its verdicts"
	case Refuted:
		return "VERIFICATION FAILED: " + numbers.Plural(faults, "fault")
	default:
		return "NOT VERIFIED: nothing is wrong as far as was checked; not checked: " + strings.Join(open, ", ")
	}
}
