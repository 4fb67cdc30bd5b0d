package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/terminal"
)

func newReport() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "report RUN",
		Short:   "Show the report of an earlier run, or write it in another format",
		Example: "  katacert report reports/20260101-120000-1a2b3c4d\n  katacert report reports/20260101-120000-1a2b3c4d --format junit > junit.xml",
		Args:    exactArgs(1, "the folder of one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := args[0]
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				path = filepath.Join(path, "report.json")
			}
			report, err := reports.Read(path)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if format == "text" {
				return terminal.Table(out, report, terminal.Options{Color: isTerminal(out), Width: width(out)})
			}
			writer, err := reports.Format(format)
			if err != nil {
				return usagef("%v, or text", err)
			}
			if err := writer.Write(out, report); err != nil {
				return fmt.Errorf("write the report as %s: %w", format, err)
			}
			return nil
		},
	}
	names := []string{"text"}
	for _, f := range reports.Formats() {
		names = append(names, f.Name)
	}
	cmd.Flags().StringVar(&format, "format", "text", "one of "+join(names))
	_ = cmd.RegisterFlagCompletionFunc("format", completions(names))
	return cmd
}
