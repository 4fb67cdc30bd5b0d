package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/certification"
)

func newCatalogue() *cobra.Command {
	var profile, controls, output string
	cmd := &cobra.Command{
		Use:     "catalogue",
		Short:   "List the controls",
		Example: "  katacert catalogue\n  katacert catalogue --profile quick --controls '^kernel-' --output json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := catalogue.Select(certification.Catalogue(), catalogue.Choice{Profile: catalogue.Profile(profile), Controls: controls})
			if err != nil {
				return usagef("%v", err)
			}
			switch output {
			case "json":
				entries := make([]reports.Control, len(chosen))
				for i, c := range chosen {
					entries[i] = reports.Entry(c)
				}
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(entries)
			case "text":
				table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(table, "CONTROL\tGROUP\tLEVEL\tPROFILE\tTITLE")
				for _, c := range chosen {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.ID, c.Group, c.Level, c.Profile, c.Title)
				}
				return table.Flush()
			case "markdown":
				return catalogue.Markdown(cmd.OutOrStdout(), chosen)
			default:
				return usagef("unknown --output %q: choose text, json or markdown", output)
			}
		},
	}
	cmd.Flags().StringVar(&profile, "profile", string(catalogue.Destructive), "which controls: "+join(catalogue.Profiles()))
	cmd.Flags().StringVar(&controls, "controls", "", "only controls whose id matches this regular expression")
	cmd.Flags().StringVar(&output, "output", "text", "text, json or markdown")
	_ = cmd.RegisterFlagCompletionFunc("profile", completions(catalogue.Profiles()))
	return cmd
}
