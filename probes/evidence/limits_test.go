package evidence_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

func TestDecodeHoldsItsLimits(t *testing.T) {
	limits := evidence.Limits{Bytes: 4096, LineBytes: 512, Observations: 3, Readings: 4}
	probe := func(i int) string { return observed(fmt.Sprintf(`"probe":"p%d","state":"seen","took_us":1`, i)) }
	end := func(n int) string { return fmt.Sprintf(`{"end":{"observations":%d,"cpu_us":7}}`, n) }
	padded := func(size int) string {
		line := observed(`"probe":"p0","state":"seen","detail":"","took_us":1`)
		return strings.Replace(line, `"detail":"`, `"detail":"`+strings.Repeat("x", size-len(line)), 1)
	}
	values := func(list string) string {
		return output(claimLine, observed(`"probe":"p0","state":"seen","values":{`+list+`},"took_us":1`), end(1))
	}
	for _, test := range []struct {
		name, output string
		tooLarge     bool
	}{
		{"as many observations as allowed", output(claimLine, probe(0), probe(1), probe(2), end(3)), false},
		{"one observation more", output(claimLine, probe(0), probe(1), probe(2), probe(3), end(4)), true},
		{"a line as long as allowed", output(claimLine, padded(limits.LineBytes-1), end(1)), false},
		{"a longer line", output(claimLine, padded(limits.LineBytes+1), end(1)), true},
		{"as many readings as allowed", values(`"a":1,"b":2,"c":["x","y"]`), false},
		{"one reading more", values(`"a":1,"b":2,"c":3,"d":4,"e":5`), true},
		{"one item more", values(`"a":1,"b":2,"c":["x","y","z"]`), true},
		{"empty lists count too", values(`"a":[],"b":[],"c":[],"d":[],"e":[]`), true},
		{"blanks after the end line", output(claimLine, end(0)) + strings.Repeat(" ", 5000), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := evidence.Decode(strings.NewReader(test.output), wanted, limits)
			if test.tooLarge && err == nil || !test.tooLarge && err != nil {
				t.Fatalf("got error %v, want one: %t", err, test.tooLarge)
			}
			if test.tooLarge && !errors.Is(err, evidence.ErrTooLarge) {
				t.Errorf("got %v, want %v", err, evidence.ErrTooLarge)
			}
		})
	}
}

func TestDecodeHoldsTheLimitOfTheWhole(t *testing.T) {
	text := output(claimLine, observed(`"probe":"a","state":"absent","took_us":1`), endOfOne)
	limits := evidence.DefaultLimits()
	limits.Bytes = int64(len(text))
	if _, _, err := evidence.Decode(strings.NewReader(text), wanted, limits); err != nil {
		t.Errorf("output of exactly the limit: %v", err)
	}
	for _, more := range []int64{1, 2, int64(len(text)) - 1} {
		limits.Bytes = int64(len(text)) - more
		if _, _, err := evidence.Decode(strings.NewReader(text), wanted, limits); !errors.Is(err, evidence.ErrTooLarge) {
			t.Errorf("output of %d bytes more than the limit: %v", more, err)
		}
	}
}

// endless repeats what it was given for ever and counts what was taken.
type endless struct {
	head, repeat string
	taken        int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head == "" {
		e.head = e.repeat
	}
	n := copy(p, e.head)
	e.head = e.head[n:]
	e.taken += int64(n)
	return n, nil
}

func TestDecodeEndsWithAnEndlessPod(t *testing.T) {
	limits := evidence.DefaultLimits()
	for _, test := range []struct{ name, head, repeat string }{
		{"one line", "", "x"},
		{"one text", claimLine + "\n" + `{"observation":{"probe":"`, "x"},
		{"a blank after the end", output(claimLine, endOfNone), " "},
		{"long lines that are whole", output(claimLine, longLines(10)), " "},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &endless{head: test.head, repeat: strings.Repeat(test.repeat, 8<<10)}
			got, _, err := evidence.Decode(pod, wanted, limits)
			if got != nil || !errors.Is(err, evidence.ErrTooLarge) {
				t.Errorf("got %v, %v; want %v", got, err, evidence.ErrTooLarge)
			}
			if pod.taken > limits.Bytes+1 {
				t.Errorf("read %d bytes of an endless pod, the limit is %d", pod.taken, limits.Bytes)
			}
		})
	}
}

// longLines are n observations of 200 KiB each.
func longLines(n int) string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = observed(fmt.Sprintf(`"probe":"p%d","state":"seen","detail":"%s","took_us":1`, i, strings.Repeat("x", 200<<10)))
	}
	return strings.Join(lines, "\n")
}

// What Decode allocates for a refused pod is bounded by the limits and not by
// what the pod sends.
func TestDecodeAllocatesNoMoreForLargerPods(t *testing.T) {
	limits := evidence.Limits{Bytes: 64 << 10, LineBytes: 16 << 10, Observations: 8, Readings: 16}
	allocated := func(size int) uint64 {
		text := claimLine + "\n" + strings.Repeat("x", size)
		result := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := evidence.Decode(strings.NewReader(text), wanted, limits); !errors.Is(err, evidence.ErrTooLarge) {
					b.Fatal(err)
				}
			}
		})
		return uint64(result.AllocedBytesPerOp())
	}
	small, large := allocated(128<<10), allocated(32<<20)
	if large > 2*small || large > 8*uint64(limits.LineBytes) {
		t.Errorf("allocated %d bytes for 128 KiB and %d bytes for 32 MiB", small, large)
	}
}

func TestDecodeReportsAReaderThatFails(t *testing.T) {
	broken := errors.New("the connection broke")
	_, _, err := evidence.Decode(&breaking{strings.NewReader(claimLine + "\n"), broken}, wanted, evidence.DefaultLimits())
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

type breaking struct {
	from *strings.Reader
	err  error
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.from.Len() > 0 {
		return b.from.Read(p)
	}
	return 0, b.err
}
