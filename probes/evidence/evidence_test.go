package evidence_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/katacert/katacert/probes/evidence"
)

func TestValueRoundTrip(t *testing.T) {
	for _, test := range []struct {
		value       evidence.Value
		json, shown string
	}{
		{evidence.Text(""), `""`, ""},
		{evidence.Text(`a"<b>`), `"a\"\u003cb\u003e"`, `a"<b>`},
		{evidence.Number(0), `0`, "0"},
		{evidence.Number(-9223372036854775808), `-9223372036854775808`, "-9223372036854775808"},
		{evidence.List(), `[]`, "(none)"},
		{evidence.List("b", "a", "b"), `["a","b"]`, `["a","b"]`},
	} {
		data, err := json.Marshal(test.value)
		if err != nil || string(data) != test.json {
			t.Errorf("%v is written as %s (%v), want %s", test.value, data, err, test.json)
		}
		// The variable is in use already: nothing of its old value may stay.
		for _, before := range []evidence.Value{{}, evidence.Text("old"), evidence.Number(1), evidence.List("old")} {
			got := before
			if err := json.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, test.value) {
				t.Errorf("%s is read as %#v (%v), want %#v", data, got, err, test.value)
			}
		}
		if test.value.String() != test.shown {
			t.Errorf("%s is shown as %q, want %q", data, test.value, test.shown)
		}
	}
}

func TestValueRefuses(t *testing.T) {
	if data, err := json.Marshal(evidence.Value{}); err == nil {
		t.Errorf("a reading without a value is written as %s", data)
	}
	var v evidence.Value
	if err := v.UnmarshalJSON(nil); err == nil {
		t.Error("an empty reading is read")
	}
	for _, data := range []string{`null`, `true`, `1.5`, `1e3`, `18446744073709551616`, `{}`, `[1]`, `[null]`, `[["a"]]`} {
		v := evidence.Text("before")
		if err := json.Unmarshal([]byte(data), &v); err == nil {
			t.Errorf("%s is read as %#v", data, v)
		}
		if !reflect.DeepEqual(v, evidence.Text("before")) {
			t.Errorf("refusing %s changed the reading to %#v", data, v)
		}
	}
}

func TestValuesAskForTheRightKind(t *testing.T) {
	values := evidence.Values{"text": evidence.Text("x"), "number": evidence.Number(1), "list": evidence.List("x")}
	for name := range values {
		_, text := values.Text(name)
		_, number := values.Number(name)
		_, list := values.List(name)
		if text != (name == "text") || number != (name == "number") || list != (name == "list") {
			t.Errorf("reading %s: text %t, number %t, list %t", name, text, number, list)
		}
	}
	if _, ok := evidence.Values(nil).Text("text"); ok {
		t.Error("no readings have a text")
	}
}

func TestRecordRoundTrip(t *testing.T) {
	started := time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC)
	for name, record := range map[string]evidence.Record{
		"evidence": {
			Schema: evidence.RecordSchema, Run: "r", Target: "node-1/gvisor", Vantage: evidence.Weakened("host-pid"), Round: evidence.LookAgain,
			Nonce: "n", Pod: evidence.Pod{Namespace: "ns", Name: "p", UID: "u", Node: "node-1", RuntimeClass: "gvisor", Image: "i", ImageDigest: "sha256:0"},
			Started: started, Finished: started.Add(time.Second), CPUMicros: 5,
			Observations: []evidence.Observation{{Probe: "p", State: evidence.Seen, Micros: 1,
				Values: evidence.Values{"t": evidence.Text("<&>"), "n": evidence.Number(1), "l": evidence.List("a")}}},
		},
		"error": {Schema: evidence.RecordSchema, Vantage: evidence.API, Round: evidence.Look, Started: started, Finished: started, Error: "the pod is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.ContainsAny(line, "\n\r") {
				t.Errorf("a record takes more than one line: %s", line)
			}
			strict := json.NewDecoder(bytes.NewReader(line))
			strict.DisallowUnknownFields()
			var got evidence.Record
			if err := strict.Decode(&got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, record) {
				t.Errorf("read %+v, wrote %+v", got, record)
			}
		})
	}
}

func TestRecordFindsObservations(t *testing.T) {
	record := evidence.Record{Observations: []evidence.Observation{{Probe: "a"}, {Probe: "b", State: evidence.Denied}}}
	if o, ok := record.Observation("b"); !ok || o.State != evidence.Denied {
		t.Errorf("probe b: %+v, %t", o, ok)
	}
	if o, ok := record.Observation("c"); ok {
		t.Errorf("probe c was not run and is found: %+v", o)
	}
}

func TestWeakness(t *testing.T) {
	if weakness, ok := evidence.Weakened("host-pid").Weakness(); !ok || weakness != "host-pid" {
		t.Errorf("weakened/host-pid: %q, %t", weakness, ok)
	}
	if weakness, ok := evidence.Subject.Weakness(); ok {
		t.Errorf("the subject has weakness %q", weakness)
	}
}
