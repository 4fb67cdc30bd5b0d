package bundle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/jsonfault"
)

// largestLine bounds one record, in bytes. A pod's output is bounded to a megabyte
// (evidence.DefaultLimits), and JSON writes a byte as six at the worst.
const largestLine = 16 << 20

// span is where a record lies in the file of evidence, in bytes.
type span struct{ offset, length int64 }

// journal is a file of evidence and where the records of each target lie in it. A
// large run's evidence does not fit into memory at once, but that of a target does.
type journal struct {
	file    io.ReaderAt
	spans   map[string][]span
	records int
}

// readJournal indexes a file of evidence and checks every line by itself; each line
// that is not a record, and each that check refuses, is handed to fault with its
// number. Only what cannot be read at all is an error.
func readJournal(file io.ReaderAt, size int64, check func(evidence.Record) error, fault func(line int, err error)) (*journal, error) {
	j := &journal{file: file, spans: map[string][]span{}}
	lines := bufio.NewReaderSize(io.NewSectionReader(file, 0, size), 1<<16)
	var offset int64
	for number := 1; ; number++ {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return j, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return j, fmt.Errorf("line %d: %w", number, err)
		}
		record, faulty := decodeRecord(line)
		if faulty == nil {
			faulty = check(record)
		}
		if faulty != nil {
			fault(number, faulty)
		} else {
			j.spans[record.Target] = append(j.spans[record.Target], span{offset, int64(len(line))})
			j.records++
		}
		offset += int64(len(line))
	}
}

// readLine reads up to and with the next end of a line.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > largestLine {
			return nil, fmt.Errorf("it has more than %d bytes", largestLine)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// decodeRecord reads one line as katacert writes it, and in no other way.
func decodeRecord(line []byte) (evidence.Record, error) {
	var record evidence.Record
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&record); err != nil {
		return record, fmt.Errorf("it is no record of evidence: %.200s", jsonfault.Of(err).Error())
	}
	again, err := json.Marshal(record)
	if err != nil {
		return record, fmt.Errorf("it is no record of evidence: %w", err)
	}
	if !bytes.Equal(append(again, '\n'), line) {
		return record, errors.New("it is not written as katacert writes records")
	}
	if record.Schema != evidence.RecordSchema {
		return record, fmt.Errorf("its schema is %.60q, and this katacert reads %q", record.Schema, evidence.RecordSchema)
	}
	return record, nil
}

// of reads the records of one target, in the order in which they arrived.
func (j *journal) of(target string) ([]evidence.Record, error) {
	var records []evidence.Record
	for _, s := range j.spans[target] {
		line := make([]byte, s.length)
		if _, err := j.file.ReadAt(line, s.offset); err != nil {
			return nil, fmt.Errorf("read the evidence of %s: %w", target, err)
		}
		record, err := decodeRecord(line)
		if err != nil {
			return nil, fmt.Errorf("read the evidence of %s: %w", target, err)
		}
		records = append(records, record)
	}
	return records, nil
}

// belongs makes the check of a record against its run: the run's id, its targets,
// and its time. Every nonce is used once. The end of a run that was cut short is that
// of its report, which a killed run wrote before its evidence.
func belongs(run reports.Run, targets map[string]bool) func(evidence.Record) error {
	nonces := map[string]bool{}
	return func(r evidence.Record) error {
		what := fmt.Sprintf("the record of %.60s in round %.20s", r.Vantage, r.Round)
		switch {
		case r.Run != run.ID:
			return fmt.Errorf("%s is of run %.60q", what, r.Run)
		case !targets[r.Target]:
			return fmt.Errorf("%s is of target %.120q, which the report does not list", what, r.Target)
		case !slices.Contains(evidence.Rounds(), r.Round):
			return fmt.Errorf("%s: there is no such round", what)
		case r.Nonce == "" || nonces[r.Nonce]:
			return fmt.Errorf("%s has the nonce %.60q, which is empty or another record's", what, r.Nonce)
		case r.Started.Before(run.Started) || (r.Finished.After(run.Finished) && run.Interrupted == "") || r.Finished.Before(r.Started):
			return fmt.Errorf("%s is from %s to %s, and the run lasted from %s to %s", what, clock(r.Started), clock(r.Finished), clock(run.Started), clock(run.Finished))
		}
		nonces[r.Nonce] = true
		return nil
	}
}

func clock(t time.Time) string { return t.Format(time.RFC3339Nano) }
