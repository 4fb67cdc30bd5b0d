package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/terminal"
)

// conclude writes the reports, shows the verdicts and chooses the exit code.
func (f *certifyFlags) conclude(report *reports.Report, stdout, stderr io.Writer) error {
	dir := filepath.Join(f.out, report.Run.ID)
	written, writeErr := reports.Write(dir, report)
	if f.output == "json" {
		writer, err := reports.Format("json")
		if err == nil {
			err = writer.Write(stdout, report)
		}
		if err != nil {
			return fmt.Errorf("write the report to standard output: %w", err)
		}
	} else if err := terminal.Table(stdout, report, terminal.Options{Color: isTerminal(stdout), Width: width(stdout), Files: written}); err != nil {
		return fmt.Errorf("show the verdicts: %w", err)
	}
	if _, cause := report.Cause(); cause != "" {
		fmt.Fprintln(stderr, "katacert: "+cause)
	}
	if writeErr != nil {
		fmt.Fprintln(stderr, "katacert: "+writeErr.Error())
		return &outcomeError{exitPartial}
	}
	if code := exitCode(report); code != exitCertified {
		return &outcomeError{code}
	}
	return nil
}

func exitCode(r *reports.Report) int {
	switch {
	case r.Outcome == reports.NotCertified:
		return exitNotCertified
	case r.Outcome != reports.Certified:
		return exitPartial
	case len(r.Leftovers) > 0:
		return exitLeftovers
	default:
		return exitCertified
	}
}
