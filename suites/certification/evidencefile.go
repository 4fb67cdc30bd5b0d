package certification

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/katacert/katacert/probes/evidence"
)

// EvidenceFile is the name of the file of evidence in a run's folder.
const EvidenceFile = "evidence.jsonl"

// evidenceFile appends records as they arrive, so that a killed run keeps what
// it has. Records are also kept for judging.
type evidenceFile struct {
	mu      sync.Mutex
	file    *os.File
	records map[string][]evidence.Record
	failed  error
}

func openEvidence(dir string) (*evidenceFile, error) {
	path := filepath.Join(dir, EvidenceFile)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644) //nolint:gosec // a report is meant to be read by others
	if err != nil {
		return nil, fmt.Errorf("open the file of evidence %s: %w", path, err)
	}
	return &evidenceFile{file: file, records: map[string][]evidence.Record{}}, nil
}

// add appends one record. A record that cannot be written is still judged, but
// the run is told (see err): evidence that is not on disk proves nothing to an
// auditor.
func (e *evidenceFile) add(r evidence.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.records[r.Target] = append(e.records[r.Target], r)
	line, err := json.Marshal(r)
	if err == nil {
		_, err = e.file.Write(append(line, '\n'))
	}
	if err != nil && e.failed == nil {
		e.failed = fmt.Errorf("write evidence to %s: %w: free space there and run again; what was written before is kept", e.file.Name(), err)
	}
}

func (e *evidenceFile) of(target string) []evidence.Record {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]evidence.Record(nil), e.records[target]...)
}

func (e *evidenceFile) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failed
}

func (e *evidenceFile) close() error {
	if err := e.file.Sync(); err != nil {
		return fmt.Errorf("write evidence to %s: %w", e.file.Name(), err)
	}
	return e.file.Close()
}
