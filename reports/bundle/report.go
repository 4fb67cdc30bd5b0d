package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/katacert/katacert/reports"
)

// ReadReport reads the report of a run from its folder, its report.json or its
// bundle. Of a bundle it checks that every file is as the manifest lists it; who
// signed it, and whether the verdicts follow from the evidence, is for Verify.
func ReadReport(path string) (*reports.Report, error) {
	if !compressed(path) {
		return reports.Read(path)
	}
	var faults []error
	o, err := open(path, func(_, text string) { faults = append(faults, errors.New(text)) })
	if err != nil {
		return nil, fmt.Errorf("read the report of a run: %w", err)
	}
	defer o.close()
	if len(faults) > 0 || !o.whole {
		return nil, fmt.Errorf("read the report of a run: the bundle %s was changed: %w; `katacert verify` says more", path, errors.Join(faults...))
	}
	r, err := reports.Decode(o.texts[reportFile])
	if err != nil {
		return nil, fmt.Errorf("read the report of a run: %s in %s: %w", reportFile, path, err)
	}
	if r.Run.ID != o.manifest.Run {
		return nil, fmt.Errorf("read the report of a run: the bundle %s is of run %.60q, and its %s of run %.60q", path, o.manifest.Run, reportFile, r.Run.ID)
	}
	return r, nil
}

// compressed says whether path is a plain file that begins as gzip does.
func compressed(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	var magic [2]byte
	_, err = io.ReadFull(file, magic[:])
	return err == nil && magic == [2]byte{0x1f, 0x8b}
}
