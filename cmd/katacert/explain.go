package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:     "explain CONTROL",
		Short:   "Say what a control proves, how, and what to do when it fails",
		Example: "  katacert explain kernel-boot-id",
		Args:    oneArg("the id of one control"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, c := range certification.Catalogue() {
				ids = append(ids, c.ID+"\t"+c.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			control, err := catalogue.Find(certification.Catalogue(), args[0])
			if err != nil {
				return usagef("%v", err)
			}
			return explain(cmd.OutOrStdout(), control)
		},
	}
}

func explain(w io.Writer, c catalogue.Control) error {
	_, err := fmt.Fprintf(w, "%s: %s\n\n", c.ID, c.Title)
	for _, part := range append([]catalogue.Part{{Name: "Why", Text: c.Why}}, c.Parts()...) {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%-19s %s\n", part.Name, indent(part.Text, 20, 96))
	}
	return err
}

// indent wraps a text at the width, with every line but the first indented.
func indent(text string, by, width int) string {
	var out strings.Builder
	column := by
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > width:
			out.WriteString("\n" + strings.Repeat(" ", by))
			column = by
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += len(word)
	}
	return out.String()
}
