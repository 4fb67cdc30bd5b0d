package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// JSON writes the diagnosis for programs.
func JSON(w io.Writer, d *Diagnosis) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return fmt.Errorf("write the diagnosis: %w", err)
	}
	return nil
}

// Text writes the diagnosis for people: what can be certified first, and then every
// finding with its mend, by what it is about.
func Text(w io.Writer, d *Diagnosis) error {
	var out strings.Builder
	c := d.Cluster
	fmt.Fprintf(&out, "cluster %s at %s, Kubernetes %s", c.Name, c.Server, c.Kubernetes)
	if c.User != "" {
		fmt.Fprintf(&out, ", asked as %s", c.User)
	}
	out.WriteString("\n\ncan be certified\n")
	if len(d.Targets) == 0 {
		out.WriteString("  nothing\n")
	}
	for _, t := range d.Targets {
		fmt.Fprintf(&out, "  %s %s/%s (handler %s): %s\n", mark(t.State), t.Node, t.RuntimeClass, t.Handler, t.Why)
	}
	out.WriteString("\nprofiles that this user may run\n")
	for _, p := range d.Profiles {
		switch {
		case p.Unknown != "":
			fmt.Fprintf(&out, "  %s %s: %s\n", mark(Unknown), p.Name, p.Unknown)
		case len(p.Lacks) > 0:
			fmt.Fprintf(&out, "  %s %s: lacks %s\n", mark(Missing), p.Name, strings.Join(p.Lacks, ", "))
		default:
			fmt.Fprintf(&out, "  %s %s\n", mark(OK), p.Name)
		}
	}
	about := ""
	for _, f := range d.Findings {
		if f.About != about {
			about = f.About
			fmt.Fprintf(&out, "\n%s\n", about)
		}
		fmt.Fprintf(&out, "  %s %-18s %s\n", mark(f.State), f.Name, f.Detail)
		if f.Mend != "" {
			fmt.Fprintf(&out, "  %27s -> %s\n", "", f.Mend)
		}
	}
	for _, left := range d.Leftovers {
		fmt.Fprintf(&out, "\nleft: %s\n", left)
	}
	if !d.Sound() {
		out.WriteString("\nThis cluster cannot be certified as it is.\n")
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the diagnosis: %w", err)
	}
	return nil
}

// mark shows a state in a column of its own.
func mark(s State) string {
	return map[State]string{OK: "ok      ", Unknown: "unknown ", Missing: "missing ", Problem: "PROBLEM "}[s]
}
