package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/fixtures/nvidia/deviceplugin"
)

func newGPUStatus() *cobra.Command {
	return statusCommand(devicePlugin, &cobra.Command{
		Short: "Show what there is of NVIDIA's GPUs on a cluster, whoever installed it",
		Long: `Status shows the GPU Operator and what it is told, the device plugins, and for each
node its resources and by which way they reach pods, its labels, and what keeps GPUs
from pods. It changes nothing. The exit code is 0 also where there is no GPU.`,
		Example: "  katacert gpu status --context prod\n  katacert gpu status --output json",
	}, (*deviceplugin.Client).Status, showGPUStatus)
}

func showGPUStatus(out io.Writer, status *deviceplugin.Status) error {
	showReleases(out, deviceplugin.DefaultRelease, "plugin", status.Release, status.Others)
	if status.Operator != nil {
		fmt.Fprintln(out, status.Operator)
	} else {
		fmt.Fprintln(out, "no GPU Operator")
	}
	for _, plugin := range status.Plugins {
		fmt.Fprintf(out, "device plugin %s\n", plugin)
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "\nNODE\tRESOURCES\tREACH\tMODEL\tDRIVER\tWORKLOAD")
	for _, node := range status.Nodes {
		var resources, ways []string
		for _, r := range node.Resources {
			resources = append(resources, r.String())
			if way := string(r.Way); !slices.Contains(ways, way) {
				ways = append(ways, way)
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", node.Name, cmp.Or(join(resources), "none"), cmp.Or(join(ways), "-"),
			cmp.Or(node.Product, "-"), cmp.Or(node.Driver, "-"), cmp.Or(node.Workload, "-"))
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
