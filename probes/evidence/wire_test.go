package evidence_test

import (
	"reflect"
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
