package catalogue_test

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
)

// edit changes records in small ways that fuzz bytes choose: a probe that did not
// run, saw nothing or was refused, a reading of another type or value.
func edit(records []evidence.Record, program []byte) []evidence.Record {
	edited := make([]evidence.Record, len(records))
	for i, r := range records {
		r.Observations = slices.Clone(r.Observations)
		edited[i] = r
	}
	choose := func(n int) int {
		if len(program) == 0 || n == 0 {
			return 0
		}
		chosen := int(program[0]) % n
		program = program[1:]
		return chosen
	}
	for len(program) > 0 {
		r := &edited[choose(len(edited))]
		if len(r.Observations) == 0 {
			continue
		}
		at := choose(len(r.Observations))
		o := r.Observations[at]
		switch choose(8) {
		case 0:
			r.Observations = slices.Delete(r.Observations, at, at+1)
			continue
		case 1:
			o.State, o.Detail = evidence.Absent, hostileTexts[choose(len(hostileTexts))]
		case 2:
			o.State, o.Errno = evidence.Denied, hostileTexts[choose(len(hostileTexts))]
		case 3:
			o.State, o.Detail = evidence.Failed, hostileTexts[choose(len(hostileTexts))]
		default:
			names := slices.Sorted(maps.Keys(o.Values))
			if len(names) == 0 {
				continue
			}
			name := names[choose(len(names))]
			o.Values = maps.Clone(o.Values)
			if value := choose(len(hostileValues) + 1); value < len(hostileValues) {
				o.Values[name] = hostileValues[value]
			} else {
				delete(o.Values, name)
			}
		}
		r.Observations[at] = o
	}
	return edited
}

// longText is nearly as long as a line may be.
var longText = strings.Repeat("x", evidence.DefaultLimits().LineBytes-4096)

// hostileTexts are what a pod may put where a text belongs. The decoder refuses
// some of them.
var hostileTexts = []string{"", "EPERM", `<script>alert(1)</script>]]><testcase name="x"/>`, "| a | b |\n# c", "\x1b[2J", "\u202egnp", "\u00a0\u3000", "a=b pod_uid=" + scene.UID(evidence.Subject), longText}

// hostileValues are what a pod may put where a reading belongs: values of other
// types, at the ends of their ranges, as long as may be, and those of the node
// and the other tenant.
var hostileValues = func() []evidence.Value {
	values := []evidence.Value{evidence.List(), evidence.List(""), evidence.List("dataset-a /x", "memory-b y", "secret-a z"), evidence.List(many(4096)...),
		evidence.List(longText), evidence.List("listener "+scene.Nonce(evidence.Neighbour, evidence.LookAgain), "sealed "+scene.Nonce(evidence.GuestRoot, evidence.LookAgain)),
		evidence.Number(0), evidence.Number(1), evidence.Number(-1), evidence.Number(math.MaxInt64), evidence.Number(math.MinInt64),
		evidence.Text("0000000000000000"), evidence.Text("ffffffffffffffff"), evidence.Text("0f0f0f0f0f0f0f0f"),
		evidence.Text(scene.Node().BootID), evidence.List(scene.Node().PCI), evidence.List(scene.Node().Disk), evidence.Number(scene.Node().First)}
	for _, text := range hostileTexts {
		values = append(values, evidence.Text(text))
	}
	return values
}()

// many are that many different items.
func many(n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = strings.Repeat("z", i%8) + string(rune('a'+i%26)) + strings.Repeat("y", i/208)
	}
	return items
}
