package catalogue_test

import (
	"fmt"
	"testing"

	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// BenchmarkJudgeAll judges a recorded session of a guest under QEMU; the time
// per control shows whether judging grows faster than the catalogue.
func BenchmarkJudgeAll(b *testing.B) {
	records, err := readRecording()
	if err != nil {
		b.Fatal(err)
	}
	all := controls()
	for _, n := range []int{1, len(all) / 2, len(all)} {
		b.Run(fmt.Sprintf("controls=%d", n), func(b *testing.B) {
			for b.Loop() {
				if got := catalogue.JudgeAll(all[:n], judge.Gather(records)); len(got) != n {
					b.Fatalf("%d verdicts for %d controls", len(got), n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/control")
		})
	}
}
