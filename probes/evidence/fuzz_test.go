package evidence_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

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
