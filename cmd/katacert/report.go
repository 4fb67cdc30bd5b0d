package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/reports/terminal"
)

func newReport() *cobra.Command {
	var format, out string
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Show the report of an earlier run, or write it in another format",
		Example: `  katacert report reports/20260101-120000-1a2b3c4d
  katacert report reports/20260101-120000-1a2b3c4d --format junit > junit.xml
  katacert report reports/20260101-120000-1a2b3c4d --format oscal --out results/oscal.json
  katacert report bundle.tar.gz --format html --out report.html`,
		Args: oneArg("the folder, the report.json or the bundle of one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var writer reports.Writer
			if format != "text" {
				var err error
				if writer, err = reports.Format(format); err != nil {
					return usagef("%v, or text", err)
				}
			} else if out != "" {
				return usagef("--out takes a --format other than text, which is made for a terminal")
			}
			report, err := bundle.ReadReport(args[0])
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			switch {
			case format == "text":
				return terminal.Table(w, report, terminal.Options{Color: isTerminal(w), Width: width(w)})
			case out != "":
				return reports.WriteFile(out, writer, report)
			}
			if err := writer.Write(w, report); err != nil {
				return fmt.Errorf("write the report as %s: %w", format, err)
			}
			return nil
		},
	}
	names := []string{"text"}
	for _, f := range reports.AllFormats() {
		names = append(names, f.Name)
	}
	cmd.Flags().StringVar(&format, "format", "text", "one of "+join(names))
	cmd.Flags().StringVar(&out, "out", "", "file to write it to, whole or not at all (default: standard output)")
	_ = cmd.RegisterFlagCompletionFunc("format", completions(names))
	return cmd
}
