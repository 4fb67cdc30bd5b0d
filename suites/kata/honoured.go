package kata

import (
	"bytes"
	_ "embed" // for the evidence that is kept with the code
	"encoding/json"
	"fmt"
	"sync"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// honouredLines is evidence of a sandbox whose runtime honours every annotation
// that is tried: the readings of a guest of Kata Containers 4.1.0 under QEMU, each
// changed as the annotation changes it.
//
//go:embed honoured.jsonl
var honouredLines []byte

// honoured is that evidence. The judge must find every annotation honoured in it,
// or no control over annotations passes anywhere.
var honoured = sync.OnceValue(func() judge.Evidence {
	records, err := readRecords(honouredLines)
	if err != nil {
		panic(err) // a part of the program; tests read it
	}
	return judge.Gather(records)
})

func readRecords(lines []byte) ([]evidence.Record, error) {
	var records []evidence.Record
	decoder := json.NewDecoder(bytes.NewReader(lines))
	decoder.DisallowUnknownFields()
	for decoder.More() {
		var r evidence.Record
		if err := decoder.Decode(&r); err != nil {
			return nil, fmt.Errorf("read record %d of honoured annotations: %w", len(records)+1, err)
		}
		records = append(records, r)
	}
	return records, nil
}
