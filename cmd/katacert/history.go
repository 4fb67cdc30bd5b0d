package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/reports/history"
)

func newHistory() *cobra.Command {
	var format, out string
	var names []string
	for _, f := range history.Formats() {
		names = append(names, f.Name)
	}
	cmd := &cobra.Command{
		Use:   "history DIR",
		Short: "Say how each control went in a series of runs, and which are flaky",
		Long: `History reads all runs below a folder, as a nightly job leaves them with --out,
and shows for each control a line of its verdicts, oldest first. A control is
flaky when it went back to a verdict that it had left, on one and the same target.`,
		Example: `  katacert history reports
  katacert history reports --format html --out history.html`,
		Args: oneArg("the folder that holds the folders of runs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.Index(names, format)
			if i < 0 {
				return usagef("unknown --format %q: choose one of %s", format, join(names))
			}
			h, err := history.Read(args[0])
			if err != nil {
				return err
			}
			if err := output(cmd, out, func(w io.Writer) error { return history.Formats()[i].Write(w, h) }); err != nil {
				return fmt.Errorf("write the history as %s: %w", format, err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "one of "+join(names))
	cmd.Flags().StringVar(&out, "out", "", "file to write it to, whole or not at all (default: standard output)")
	_ = cmd.RegisterFlagCompletionFunc("format", completions(names))
	return cmd
}
