package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/reports/compare"
)

func newCompare() *cobra.Command {
	var format, out string
	var names []string
	for _, f := range compare.Formats() {
		names = append(names, f.Name)
	}
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Say what changed between two runs",
		Long: `Compare says which controls got worse or better between two runs, which appeared
and vanished, what was changed between them (versions, digests, Kata's
configuration), and what takes longer by more than the noise in the runs.

BEFORE and AFTER are folders of runs, their report.json or their bundle.tar.gz. A
bundle that was changed is refused; who signed it is for ` + "`katacert verify`" + `. The exit
code is 1 when something got worse, and 3 when a run cannot be read.`,
		Example: `  katacert compare reports/20260101-120000-1a2b3c4d reports/20260102-120000-5e6f7a8b
  katacert compare accepted/bundle.tar.gz reports/20260102-120000-5e6f7a8b --format html --out changes.html`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("katacert compare needs two runs, the one before and the one after: see `katacert compare --help`")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.Index(names, format)
			if i < 0 {
				return usagef("unknown --format %q: choose one of %s", format, join(names))
			}
			var runs [2]*reports.Report
			for i, path := range args {
				var err error
				if runs[i], err = bundle.ReadReport(path); err != nil {
					return err
				}
			}
			result := compare.Compare(runs[0], runs[1])
			if err := output(cmd, out, func(w io.Writer) error { return compare.Formats()[i].Write(w, result) }); err != nil {
				return fmt.Errorf("write the comparison as %s: %w", format, err)
			}
			if result.Worse {
				return &outcomeError{exitNotCertified}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "one of "+join(names))
	cmd.Flags().StringVar(&out, "out", "", "file to write it to, whole or not at all (default: standard output)")
	_ = cmd.RegisterFlagCompletionFunc("format", completions(names))
	return cmd
}

// output writes to a file where one is named, whole or not at all, and else to
// standard output.
func output(cmd *cobra.Command, path string, write func(io.Writer) error) error {
	if path == "" {
		return write(cmd.OutOrStdout())
	}
	return reports.WriteWhole(path, write)
}
