package gpu

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Work on memory that takes long says how far it is, and quick work says nothing.
func TestLongWorkSaysHowFarItIs(t *testing.T) {
	for name, test := range map[string]struct {
		chunk time.Duration
		lines int
	}{
		"quick": {time.Second, 0},
		"slow":  {progressEvery, 4},
		"less":  {progressEvery / 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			now := time.Unix(0, 0)
			p := pooled(t, newStandIn(t, filepath.Join(t.TempDir(), "memory"), standInBytes, false), 0.9)
			whole := p.chunks[0]
			quarter := whole.bytes / 4 / unitBytes * unitBytes
			p.chunks, p.bytes = nil, 4*quarter
			for range 4 {
				p.chunks = append(p.chunks, chunk{whole.start, quarter})
			}
			p.progress = newProgress(&said, "GPU-1", func() time.Time { return now })
			err := p.each("searched", func(chunk) error { now = now.Add(test.chunk); return nil })
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(said.String(), ProgressPrefix+"GPU-1: searched "); got != test.lines {
				t.Errorf("%d lines, want %d:\n%s", got, test.lines, said.String())
			}
		})
	}
	p := newProgress(nil, "GPU-1", time.Now)
	p.say("searched", 1, 2)
}
