package kata

import (
	"sync"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/suites/judge"
)

// honoured is evidence of a runtime that honours every annotation that is tried. The
// judge must find each of them honoured in it, or the control passes nowhere; without
// the evidence it finds none.
var honoured = sync.OnceValue(func() judge.Evidence {
	trial, err := recordings.FindTrial(recordings.AnnotationsHonoured)
	if err != nil {
		return judge.Evidence{}
	}
	records, err := trial.Records()
	if err != nil {
		return judge.Evidence{}
	}
	return judge.Gather(records)
})
