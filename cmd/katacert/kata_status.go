package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/kata"
	"github.com/katacert/katacert/reports/terminal"
)

func newKataStatus() *cobra.Command {
	f := &releaseFlags{}
	var output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what there is of Kata on a cluster, whoever installed it",
		Long: `Status shows the Helm releases of kata-deploy, the nodes with their label and the
handlers that they list, the RuntimeClasses, and what keeps Kata from running. It
changes nothing. The exit code is 0 also where there is no Kata.`,
		Example: "  katacert kata status --context prod\n  katacert kata status --output json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if !slices.Contains([]string{"text", "json"}, output) {
				return usagef("unknown --output %q: choose text or json", output)
			}
			client, err := f.openKata(terminal.NewProgress(io.Discard, false))
			if err != nil {
				return err
			}
			status, err := client.Status(cmd.Context())
			if err != nil {
				return asUsage(err)
			}
			if output == "json" {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(status)
			}
			return showStatus(cmd.OutOrStdout(), status)
		},
	}
	f.register(cmd, kata.DefaultRelease)
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func showStatus(out io.Writer, status *kata.Status) error {
	showReleases(out, kata.DefaultRelease, "Kata", status.Release, status.Others)
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "\nNODE\tARCH\tRUNTIME\tKATA-RUNTIME\tHANDLERS")
	for _, node := range status.Nodes {
		listed := cmp.Or(join(node.Handlers), "none of Kata's")
		if !node.Lists {
			listed = "not told by the node"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", node.Name, node.Arch, node.Runtime, cmp.Or(node.Label, "-"), listed)
	}
	if len(status.Classes) > 0 {
		fmt.Fprintln(table, "\nRUNTIMECLASS\tHANDLER\tOWNER")
	}
	for _, class := range status.Classes {
		fmt.Fprintf(table, "%s\t%s\t%s\n", class.Name, class.Handler, class.Owner)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, problem := range status.Problems {
		fmt.Fprintln(out, "problem: "+problem)
	}
	for _, note := range status.Notes {
		fmt.Fprintln(out, "note: "+note)
	}
	return nil
}
