package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/bundle"
	"github.com/katacert/katacert/reports/terminal"
)

// conclude writes the reports and their bundle, shows the verdicts and chooses the
// exit code.
func (f *certifyFlags) conclude(ctx context.Context, report *reports.Report, stdout, stderr io.Writer) error {
	dir := filepath.Join(f.out, report.Run.ID)
	written, writeErr := reports.Write(dir, report)
	if f.prometheusFile != "" {
		writeErr = errors.Join(writeErr, writeMetrics(f.prometheusFile, report))
	}
	if slices.Contains(written, filepath.Join(dir, "report.json")) {
		bundled, err := f.bundle(ctx, dir)
		written, writeErr = append(written, bundled...), errors.Join(writeErr, err)
	}
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
	if slices.Contains(written, filepath.Join(dir, bundle.File)) {
		aboutFreshKey(stderr, f.signer)
	}
	code := exitCode(report)
	if writeErr != nil {
		fmt.Fprintln(stderr, "katacert: "+writeErr.Error())
		if code != exitNotCertified { // a boundary that was crossed is worse than a file that is not there
			code = exitPartial
		}
	}
	if code != exitCertified {
		return &outcomeError{code}
	}
	return nil
}

// bundle keeps the configuration of the run in its folder, and packs and signs it all.
func (f *certifyFlags) bundle(ctx context.Context, dir string) ([]string, error) {
	if err := f.configuration.Write(dir); err != nil {
		return nil, err
	}
	return bundle.Make(ctx, dir, f.signer, f.configuration.Tool)
}

// aboutFreshKey says what the signature of a key is worth that nobody knew before.
func aboutFreshKey(w io.Writer, signer *bundle.Signer) {
	if signer.By == bundle.ByFreshKey {
		fmt.Fprintf(w, "%s is signed with a key made for it alone, whose public half is %s: that shows integrity, not identity; --signing-key signs with yours\n", bundle.File, bundle.PublicFile)
	}
}

// writeMetrics leaves the figures of the run where Prometheus finds them.
func writeMetrics(path string, report *reports.Report) error {
	format, err := reports.Format("prometheus")
	if err != nil {
		return err
	}
	return reports.WriteFile(path, format, report)
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
