package catalogue

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the catalogue as documentation, by group.
func Markdown(w io.Writer, all []Control) error {
	var out strings.Builder
	out.WriteString("# Controls\n\nGenerated from the catalogue by `katacert catalogue --output markdown`.\n")
	for _, group := range Groups() {
		first := true
		for _, c := range all {
			if c.Group != group {
				continue
			}
			if first {
				fmt.Fprintf(&out, "\n## %s\n", group)
				first = false
			}
			c.markdown(&out)
		}
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the catalogue as Markdown: %w", err)
	}
	return nil
}

func (c Control) markdown(out *strings.Builder) {
	fmt.Fprintf(out, "\n### %s\n\n**%s.** %s\n\n", c.ID, c.Title, c.Why)
	for _, part := range c.Parts() {
		fmt.Fprintf(out, "- %s: %s\n", part.Name, part.Text)
	}
}
