package evidence_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

// wanted is the claim that the tests expect from the pod.
var wanted = evidence.Claim{Schema: evidence.WireSchema, Nonce: "n-1", Vantage: evidence.Subject, Round: evidence.Look, PodUID: "uid-1", Node: "node-1"}

const (
	claimLine = `{"claim":{"schema":"katacert.dev/probe/v1","nonce":"n-1","vantage":"subject","round":"look","pod_uid":"uid-1","node":"node-1"}}`
	endOfNone = `{"end":{"observations":0,"cpu_us":7}}`
	endOfOne  = `{"end":{"observations":1,"cpu_us":7}}`
)

// output joins lines as a probe prints them.
func output(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// observed wraps an observation that begins with the given fields.
func observed(fields string) string { return `{"observation":{` + fields + `}}` }

// reading is an output with one observation that has one reading.
func reading(value string) string {
	return output(claimLine, observed(`"probe":"p","state":"seen","values":{"r":`+value+`},"took_us":1`), endOfOne)
}

func decode(text string) ([]evidence.Observation, evidence.End, error) {
	return evidence.Decode(strings.NewReader(text), wanted, evidence.DefaultLimits())
}

func TestDecodeAccepts(t *testing.T) {
	for _, test := range []struct {
		name, output string
		want         []evidence.Observation
	}{
		{"no observation", output(claimLine, endOfNone), nil},
		{"every state", output(claimLine,
			observed(`"probe":"a","state":"seen","values":{"t":"x","n":-3,"l":["b","a","b"]},"took_us":5`),
			observed(`"probe":"b","state":"absent","detail":"no such file","took_us":0`),
			observed(`"probe":"c","state":"denied","errno":"EPERM","took_us":0`),
			observed(`"probe":"d","state":"failed","took_us":0`),
			`{"end":{"observations":4,"cpu_us":7}}`),
			[]evidence.Observation{
				{Probe: "a", State: evidence.Seen, Micros: 5, Values: evidence.Values{
					"t": evidence.Text("x"), "n": evidence.Number(-3), "l": evidence.List("a", "b")}},
				{Probe: "b", State: evidence.Absent, Detail: "no such file"},
				{Probe: "c", State: evidence.Denied, Errno: "EPERM"},
				{Probe: "d", State: evidence.Failed},
			}},
		{"no line feed at the end", strings.TrimSuffix(output(claimLine, endOfNone), "\n"), nil},
		{"the largest number", reading("9223372036854775807"), one(evidence.Number(9223372036854775807))},
		{"the smallest number", reading("-9223372036854775808"), one(evidence.Number(-9223372036854775808))},
		{"an empty text", reading(`""`), one(evidence.Text(""))},
		{"an empty list", reading(`[]`), one(evidence.List())},
		{"text of many scripts", reading(`"größe 大小 🔒"`), one(evidence.Text("größe 大小 🔒"))},
		// Data stays data: whoever shows it must quote it.
		{"markup", reading(`"<script>alert('x')</script> & ]]>"`), one(evidence.Text("<script>alert('x')</script> & ]]>"))},
		{"an escaped quote", reading(`"a\"b\\c"`), one(evidence.Text(`a"b\c`))},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, end, err := decode(test.output)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if end.CPUMicros != 7 || end.Observations != len(test.want) {
				t.Errorf("end line %+v", end)
			}
		})
	}
}

func one(value evidence.Value) []evidence.Observation {
	return []evidence.Observation{{Probe: "p", State: evidence.Seen, Values: evidence.Values{"r": value}, Micros: 1}}
}

func TestDecodeRefuses(t *testing.T) {
	sound := observed(`"probe":"p","state":"seen","values":{"r":1},"took_us":1`)
	claim := func(old, new string) string {
		changed := strings.Replace(claimLine, old, new, 1)
		if changed == claimLine {
			t.Fatalf("the claim holds no %s", old)
		}
		return output(changed, endOfNone)
	}
	observation := func(fields string) string { return output(claimLine, observed(fields), endOfOne) }
	for _, test := range []struct{ name, output, says string }{
		{"nothing at all", "", "printed nothing"},
		{"an empty line", "\n", `line 1`},
		{"no end line", output(claimLine, sound), "cut off"},
		{"a line that is cut off", claimLine + "\n" + sound[:len(sound)-9], "unexpected EOF"},
		{"no line feed after the claim", claimLine + endOfNone, "more than one JSON value"},
		{"a shell's message", "sh: /probe: not found\n", "invalid character"},
		{"JSON that is no object", output(claimLine, `[]`, endOfNone), "cannot unmarshal array"},
		{"null", output(claimLine, `null`, endOfNone), "exactly one of"},
		{"an empty object", output(claimLine, `{}`, endOfNone), "exactly one of"},

		{"wrong schema", claim("probe/v1", "probe/v2"), `claims schema "katacert.dev/probe/v2"`},
		{"a replayed nonce", claim("n-1", "n-0"), `claims nonce "n-0"`},
		{"another vantage", claim("subject", "witness"), `claims vantage "witness"`},
		{"another round", claim(`"look"`, `"settle"`), `claims round "settle"`},
		{"another pod", claim("uid-1", "uid-2"), `claims pod UID "uid-2"`},
		{"another node", claim("node-1", "node-2"), `claims node "node-2"`},
		{"no node", claim(`,"node":"node-1"`, ""), `claims node ""`},
		{"another letter case", claim("node-1", "NODE-1"), `claims node "NODE-1"`},

		{"an observation before the claim", output(sound, claimLine, endOfOne), "does not begin with a claim"},
		{"an end before the claim", output(endOfNone, claimLine), "does not begin with a claim"},
		{"two claims", output(claimLine, claimLine, endOfNone), "a second claim"},
		{"two ends", output(claimLine, endOfNone, endOfNone), "after the end line"},
		{"an observation after the end", output(claimLine, endOfNone, sound), "after the end line"},
		{"an empty line after the end", output(claimLine, endOfNone, ""), "after the end line"},
		{"claim and end on one line", output(claimLine[:len(claimLine)-1] + "," + endOfNone[1:]), "exactly one of"},
		{"two values on one line", output(claimLine, sound+" "+endOfOne), "more than one JSON value"},
		{"one probe twice", output(claimLine, sound, sound, `{"end":{"observations":2,"cpu_us":7}}`), "observed twice"},
		{"fewer than counted", output(claimLine, endOfOne), "counts 1 observations, 0 arrived"},
		{"more than counted", output(claimLine, sound, endOfNone), "counts 0 observations, 1 arrived"},
		{"a negative count", output(claimLine, `{"end":{"observations":-1,"cpu_us":7}}`), "counts -1 observations"},
		{"negative CPU time", output(claimLine, `{"end":{"observations":0,"cpu_us":-1}}`), "-1 microseconds of CPU time"},
		{"CPU time that overflows a sum", output(claimLine, `{"end":{"observations":0,"cpu_us":9223372036854775807}}`), "microseconds of CPU time"},

		{"unknown field of a line", output(claimLine, `{"verdict":"pass"}`, endOfNone), `unknown field`},
		{"unknown field of the claim", claim(`"node"`, `"image":"x","node"`), "unknown field"},
		{"unknown field of an observation", observation(`"probe":"p","state":"seen","pass":true,"took_us":1`), "unknown field"},
		{"unknown field of the end", output(claimLine, `{"end":{"observations":0,"cpu_us":7,"ok":1}}`), "unknown field"},
		{"a field in other letters", output(strings.Replace(claimLine, `"nonce"`, `"Nonce"`, 1), endOfNone), `"Nonce" is no name of a field`},
		{"a claim twice in one line", output(`{"claim":{},`+claimLine[1:], endOfNone), `"claim" is there twice`},
		{"a field twice", claim(`"nonce"`, `"nonce":"n-0","nonce"`), `"nonce" is there twice`},
		{"a reading twice", observation(`"probe":"p","state":"seen","values":{"r":1,"r":2},"took_us":1`), `"r" is there twice`},

		{"a number for a text", claim(`"n-1"`, "1"), "cannot unmarshal number"},
		{"a text for a number", output(claimLine, `{"end":{"observations":"0","cpu_us":7}}`), "cannot unmarshal string"},
		{"a fraction for a count", output(claimLine, `{"end":{"observations":0.5,"cpu_us":7}}`), "cannot unmarshal number"},
		{"a list for an observation", output(claimLine, `{"observation":[]}`, endOfOne), "cannot unmarshal array"},
		{"a list for the readings", observation(`"probe":"p","state":"seen","values":[1],"took_us":1`), "cannot unmarshal array"},

		{"no probe id", observation(`"state":"seen","took_us":1`), "no probe id"},
		{"a probe id with a path", observation(`"probe":"../p","state":"seen","took_us":1`), "no probe id"},
		{"a probe id without end", observation(`"probe":"` + strings.Repeat("p", 65) + `","state":"seen","took_us":1`), "no probe id"},
		{"no state", observation(`"probe":"p","took_us":1`), "unknown state"},
		{"a state of its own", observation(`"probe":"p","state":"isolated","took_us":1`), `unknown state "isolated"`},
		{"negative duration", observation(`"probe":"p","state":"seen","took_us":-1`), "-1 microseconds"},
		{"a duration of centuries", observation(`"probe":"p","state":"seen","took_us":9223372036854775807`), "microseconds"},
		{"a reading without a name", observation(`"probe":"p","state":"seen","values":{"":1},"took_us":1`), "no name"},
		{"a reading's name in capitals", observation(`"probe":"p","state":"seen","values":{"BOOT":1},"took_us":1`), "no name"},

		{"a fraction", reading("1.5"), "no whole number"},
		{"a whole number written as a fraction", reading("1.0"), "no whole number"},
		{"an exponent", reading("1e3"), "no whole number"},
		{"a number beyond 64 bits", reading("9223372036854775808"), "no whole number"},
		{"a number beyond any float", reading("1e999"), "no whole number"},
		{"a truth value", reading("true"), "neither text, number nor list"},
		{"null for a reading", reading("null"), "neither text, number nor list"},
		{"an object", reading(`{"a":1}`), "neither text, number nor list"},
		{"a list of numbers", reading(`[1]`), "no list of texts"},
		{"a list of lists", reading(`[["a"]]`), "no list of texts"},
		{"a list with a hole", reading(`["a",null]`), "no list of texts"},

		{"a line feed in a text", reading(`"a\nb"`), "unprintable"},
		{"a NUL in a text", reading(`"a\u0000b"`), "unprintable"},
		{"an ANSI escape", reading(`"\u001b[2J\u001b[31mPASS"`), "unprintable"},
		{"a C1 control", reading(`"\u009b31m"`), "unprintable"},
		{"a bidirectional override", reading(`"\u202Egpj.exe"`), "unprintable"},
		{"a bidirectional isolate", reading(`"\u2066x\u2069"`), "unprintable"},
		{"a zero-width space", reading(`"sub\u200bject"`), "unprintable"},
		{"a byte order mark", reading(`"\ufeffx"`), "unprintable"},
		{"a line separator", reading(`"a\u2028b"`), "unprintable"},
		{"a private character", reading(`"\ue000"`), "unprintable"},
		{"an escape in a list", reading(`["a","\u001b[0m"]`), "unprintable"},
		{"an escape in a detail", observation(`"probe":"p","state":"failed","detail":"\u001b[0m","took_us":1`), "unprintable"},
		{"an escape in an errno", observation(`"probe":"p","state":"denied","errno":"E\u0007","took_us":1`), "unprintable"},
		{"an escape in a probe id", observation(`"probe":"\u001b[0m","state":"seen","took_us":1`), "no probe id"},
		{"invalid UTF-8", reading("\"a\xff\""), "not UTF-8"},
		{"an overlong encoding", reading("\"\xc0\xaf\""), "not UTF-8"},
		{"half of a surrogate pair as bytes", reading("\"\xed\xa0\x80\""), "not UTF-8"},
		{"a raw control character", reading("\"a\tb\""), "invalid character"},
		{"nesting without end", reading(strings.Repeat("[", 100_000)), "line 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, end, err := decode(test.output)
			if err == nil {
				t.Fatalf("accepted: %+v", got)
			}
			if got != nil || end != (evidence.End{}) {
				t.Errorf("returned %+v, %+v with an error", got, end)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %q, want one with %q", err, test.says)
			}
			fitForReports(t, err)
		})
	}
}

// fitForReports checks that an error can be shown to people, whatever a hostile
// pod sent: short, on one line, and without a character that a terminal obeys.
func fitForReports(t *testing.T, err error) {
	t.Helper()
	if len(err.Error()) > 1000 {
		t.Errorf("the error has %d bytes: %.200q ...", len(err.Error()), err)
	}
	if r, ok := obeyed(err.Error()); ok {
		t.Errorf("the error holds %U: %q", r, err)
	}
}

// obeyed finds a character that a terminal obeys instead of showing it.
func obeyed(text string) (rune, bool) {
	for _, r := range text {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xad, r == 0x61c, r >= 0x200b && r <= 0x200f,
			r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
			return r, true
		}
	}
	return 0, false
}

// A pod can choose what the JSON package quotes in its errors.
func TestDecodeErrorsAreShort(t *testing.T) {
	long := strings.Repeat("9", 100_000)
	for name, text := range map[string]string{
		"number":        output(claimLine, `{"end":{"observations":`+long+`,"cpu_us":1}}`),
		"reading":       reading(long),
		"field":         output(claimLine, `{"`+strings.Repeat(`\u202e`, 30_000)+`":1}`),
		"probe id":      output(claimLine, observed(`"probe":"`+strings.Repeat(`\u202e`, 30_000)+`"`)),
		"state":         output(claimLine, observed(`"probe":"p","state":"`+long+`"`)),
		"claim":         output(strings.Replace(claimLine, "n-1", long, 1)),
		"no JSON":       long + "\x1b[0m\n",
		"text":          reading(`"` + strings.Repeat(`\u001b`, 30_000) + `"`),
		"reading's key": output(claimLine, observed(`"probe":"p","state":"seen","values":{"`+long+`":1},"took_us":1`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := decode(text)
			if err == nil {
				t.Fatal("accepted")
			}
			fitForReports(t, err)
		})
	}
}

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

func TestWriteRoundTrip(t *testing.T) {
	observations := []evidence.Observation{
		{Probe: "boot-id", State: evidence.Seen, Micros: 12, Values: evidence.Values{
			"text": evidence.Text(`<a href="x">&amp;</a>`), "number": evidence.Number(-1), "list": evidence.List("b", "a"), "none": evidence.List()}},
		{Probe: "vdso", State: evidence.Denied, Errno: "EACCES", Detail: "open: permission denied"},
		{Probe: "notes", State: evidence.Absent, Detail: "größe 大小"},
	}
	var out bytes.Buffer
	if err := evidence.Write(&out, wanted, observations, 99); err != nil {
		t.Fatal(err)
	}
	got, end, err := evidence.Decode(&out, wanted, evidence.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, observations) || end != (evidence.End{Observations: 3, CPUMicros: 99}) {
		t.Errorf("read %+v, %+v; wrote %+v", got, end, observations)
	}
}

// The kernel's texts may hold anything; an honest probe must not be refused for
// what it read.
func TestWriteCleansWhatDecodeRefuses(t *testing.T) {
	var out bytes.Buffer
	err := evidence.Write(&out, wanted, []evidence.Observation{{
		Probe: "p", State: evidence.Failed, Errno: "E\x07", Detail: "a\x1b[2J\nb",
		Values: evidence.Values{"text": evidence.Text("x\xff\u202ey\u200bz\ue000\U0001f512"), "list": evidence.List("same\x01", "same\x02", "\u2028")},
	}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := evidence.Decode(&out, wanted, evidence.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := []evidence.Observation{{
		Probe: "p", State: evidence.Failed, Errno: "E?", Detail: "a?[2J?b",
		Values: evidence.Values{"text": evidence.Text("x??y?z?\U0001f512"), "list": evidence.List("?", "same?")},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWriteLeavesTheObservationsAlone(t *testing.T) {
	observations := []evidence.Observation{{Probe: "p", State: evidence.Seen, Values: evidence.Values{"l": evidence.List("a\x01")}}}
	if err := evidence.Write(&bytes.Buffer{}, wanted, observations, 0); err != nil {
		t.Fatal(err)
	}
	if list, _ := observations[0].Values.List("l"); !slices.Equal(list, []string{"a\x01"}) {
		t.Errorf("the probe's own reading became %q", list)
	}
}

func TestWriteSaysWhatFailed(t *testing.T) {
	full := errors.New("no space left on device")
	observations := []evidence.Observation{{Probe: "p", State: evidence.Seen, Detail: strings.Repeat("x", 8192)}}
	if err := evidence.Write(failing{full}, wanted, observations, 0); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	empty := []evidence.Observation{{Probe: "p", State: evidence.Seen, Values: evidence.Values{"r": {}}}}
	if err := evidence.Write(&bytes.Buffer{}, wanted, empty, 0); err == nil || !strings.Contains(err.Error(), "probe p") {
		t.Errorf("a reading without a value: got %v, want an error that names the probe", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		output(claimLine, endOfNone),
		output(claimLine, observed(`"probe":"a","state":"seen","values":{"t":"x","n":-3,"l":["b","a"]},"took_us":5`), endOfOne),
		output(claimLine, observed(`"probe":"b","state":"denied","errno":"EPERM","detail":"d","took_us":0`), endOfOne),
		reading(`"\u202e\u001b[0m"`), reading("1e999"), reading(`["a",null]`), reading(`"\ud800"`),
		output(claimLine, claimLine, endOfNone), output(endOfNone, claimLine),
		output(claimLine, `{"end":{"observations":-1,"cpu_us":-1}}`), "", "\n", "\xff",
	} {
		f.Add([]byte(seed))
	}
	limits := evidence.Limits{Bytes: 4096, LineBytes: 1024, Observations: 4, Readings: 8}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, end, err := evidence.Decode(bytes.NewReader(data), wanted, limits)
		if err != nil {
			if got != nil || end != (evidence.End{}) {
				t.Fatalf("returned %+v, %+v with error %v", got, end, err)
			}
			fitForReports(t, err)
			return
		}
		if int64(len(data)) > limits.Bytes || len(got) > limits.Observations || end.Observations != len(got) || end.CPUMicros < 0 {
			t.Fatalf("accepted %d bytes, %d observations, end %+v", len(data), len(got), end)
		}
		for i, o := range got {
			within(t, o, limits)
			if len(o.Values) == 0 {
				got[i].Values = nil // an empty set is not written
			}
		}
		var again bytes.Buffer
		if err := evidence.Write(&again, wanted, got, end.CPUMicros); err != nil {
			t.Fatal(err)
		}
		reread, _, err := evidence.Decode(&again, wanted, evidence.DefaultLimits())
		if err != nil {
			t.Fatalf("what was accepted is refused when written again: %v", err)
		}
		for i := range got {
			if !sameBut(got[i], reread[i]) {
				t.Fatalf("accepted %+v, wrote and read %+v", got[i], reread[i])
			}
		}
	})
}

// sameBut compares two observations. Write replaces the replacement character,
// which stands for what was no text, by a question mark.
func sameBut(a, b evidence.Observation) bool {
	show := func(o evidence.Observation) string {
		text, _ := json.Marshal(o)
		return strings.ReplaceAll(string(text), "\ufffd", "?")
	}
	return show(a) == show(b)
}

func within(t *testing.T, o evidence.Observation, limits evidence.Limits) {
	t.Helper()
	if o.Probe == "" || o.Micros < 0 {
		t.Fatalf("accepted %+v", o)
	}
	if !slices.Contains([]evidence.State{evidence.Seen, evidence.Absent, evidence.Denied, evidence.Failed}, o.State) {
		t.Fatalf("accepted state %q", o.State)
	}
	texts, readings := []string{o.Probe, o.Errno, o.Detail}, 0
	for name := range o.Values {
		texts = append(texts, name)
		if text, ok := o.Values.Text(name); ok {
			texts = append(texts, text)
		}
		list, _ := o.Values.List(name)
		texts = append(texts, list...)
		readings += max(1, len(list))
	}
	if readings > limits.Readings {
		t.Fatalf("accepted %d readings", readings)
	}
	for _, text := range texts {
		if r, ok := obeyed(text); ok {
			t.Fatalf("accepted text with %U: %q", r, text)
		}
	}
}
