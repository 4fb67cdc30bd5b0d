package certification

import (
	"encoding/json"
	"errors"
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
	size    int64 // of the whole lines in the file, in bytes
	records map[string][]evidence.Record
	failed  error
}

func openEvidence(dir string) (*evidenceFile, error) {
	path := filepath.Join(dir, EvidenceFile)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the file of evidence %s: %w", path, err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the file of evidence %s: %w", path, err), file.Close())
	}
	return &evidenceFile{file: file, size: info.Size(), records: map[string][]evidence.Record{}}, nil
}

// add appends one record. A record that cannot be written is still judged, but
// the run is told (see err): evidence that is not on disk proves nothing to an
// auditor. After a failure nothing more is written, so that what is kept has no
// gap and ends with a whole line.
func (e *evidenceFile) add(r evidence.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.records[r.Target] = append(e.records[r.Target], r)
	if e.failed != nil {
		return
	}
	line, err := json.Marshal(r)
	if err == nil {
		_, err = e.file.Write(append(line, '\n'))
	}
	if err == nil {
		e.size += int64(len(line)) + 1
		return
	}
	if cut := e.file.Truncate(e.size); cut != nil {
		err = errors.Join(err, cut)
	}
	e.failed = fmt.Errorf("write evidence to %s: %w: free space there and run again; what was written before is kept", e.file.Name(), err)
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

// discard removes the file and its folder, if nothing else is in it.
func (e *evidenceFile) discard() error {
	return errors.Join(e.file.Close(), os.Remove(e.file.Name()), os.Remove(filepath.Dir(e.file.Name())))
}

func (e *evidenceFile) close() error {
	if err := e.file.Sync(); err != nil {
		return fmt.Errorf("write evidence to %s: %w", e.file.Name(), err)
	}
	return e.file.Close()
}
