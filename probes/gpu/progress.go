package gpu

import (
	"fmt"
	"io"
	"time"
)

// ProgressPrefix begins each line by which a round says how far it is.
const ProgressPrefix = "gpu-probe: "

// progressEvery is how often it does. A GPU of 140 GiB is searched within seconds; many of
// them, or slow ones, take minutes.
const progressEvery = 10 * time.Second

// progress says how far the work on a GPU's memory is.
type progress struct {
	to   io.Writer
	gpu  string
	now  func() time.Time
	said time.Time
}

func newProgress(to io.Writer, gpu string, now func() time.Time) *progress {
	if to == nil {
		return nil
	}
	return &progress{to: to, gpu: gpu, now: now, said: now()}
}

// say tells it, unless that was told a moment ago.
func (p *progress) say(doing string, done, of uint64) {
	if p == nil || p.now().Sub(p.said) < progressEvery {
		return
	}
	p.said = p.now()
	_, _ = fmt.Fprintf(p.to, "%s%s: %s %d of %d MiB\n", ProgressPrefix, p.gpu, doing, done>>20, of>>20)
}
