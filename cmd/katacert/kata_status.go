package main

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/kata"
)

func newKataStatus() *cobra.Command {
	return statusCommand(kataContainers, &cobra.Command{
		Short: "Show what there is of Kata on a cluster, whoever installed it",
		Long: `Status shows the Helm releases of kata-deploy, the nodes with their label and the
handlers that they list, the RuntimeClasses, and what keeps Kata from running. It
changes nothing. The exit code is 0 also where there is no Kata.`,
		Example: "  katacert kata status --context prod\n  katacert kata status --output json",
	}, (*kata.Client).Status, showKataStatus)
}

func showKataStatus(out io.Writer, status *kata.Status) error {
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
