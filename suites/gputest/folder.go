package gputest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/katacert/katacert/probes/evidence"
)

// Files of a run's folder.
const (
	evidenceFile = "evidence.jsonl"
	reportFile   = "report.json"
	textFile     = "report.txt"
	logFile      = "log.txt"
)

// Folder keeps a run. Evidence is on disk as it arrives.
type Folder struct {
	dir      string
	evidence *os.File
	log      *os.File
}

// OpenFolder makes the folder of a run.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the run's folder: %w", err)
	}
	kept, err := os.OpenFile(filepath.Join(dir, evidenceFile), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("keep evidence: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, logFile))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keep a log: %w", err), kept.Close())
	}
	return &Folder{dir: dir, evidence: kept, log: log}, nil
}

// Log is where what happens is written for people.
func (f *Folder) Log() io.Writer { return f.log }

// Keep writes a record of evidence.
func (f *Folder) Keep(record evidence.Record) error {
	data, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = f.evidence.Write(append(data, '\n'))
	return err
}

// Close writes the report and closes the folder's files.
func (f *Folder) Close(report Report) error {
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	text, err := os.Create(filepath.Join(f.dir, textFile))
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(f.dir, reportFile), append(data, '\n'), 0o644),
		report.WriteText(text), text.Close(), f.evidence.Close(), f.log.Close(),
	)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// ReadFolder reads the evidence of a run's folder.
func ReadFolder(dir string) (Recorded, error) {
	file, err := os.Open(filepath.Join(dir, evidenceFile))
	if err != nil {
		return nil, fmt.Errorf("read a run's evidence: %w", err)
	}
	defer func() { _ = file.Close() }()
	return Read(file)
}
