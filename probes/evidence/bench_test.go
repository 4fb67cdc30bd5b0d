package evidence_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

// BenchmarkDecode reads rounds of growing size; the throughput must not fall.
func BenchmarkDecode(b *testing.B) {
	claim := evidence.Claim{Nonce: "n", Vantage: evidence.Subject, Round: evidence.Look, PodUID: "uid", Node: "node"}
	for _, items := range []int{1, 32, 512} {
		list := make([]string, items)
		for i := range list {
			list[i] = fmt.Sprintf("/var/lib/%06d/%s", i, strings.Repeat("x", 40))
		}
		var observations []evidence.Observation
		for i := range 24 {
			observations = append(observations, evidence.Observation{Probe: fmt.Sprintf("probe-%d", i), State: evidence.Seen,
				Values: evidence.Values{"paths": evidence.List(list...), "count": evidence.Number(int64(items))}})
		}
		var out bytes.Buffer
		if err := evidence.Write(&out, claim, observations, 1000); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("items=%d", items), func(b *testing.B) {
			b.SetBytes(int64(out.Len()))
			for b.Loop() {
				if _, _, err := evidence.Decode(bytes.NewReader(out.Bytes()), claim, evidence.DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
