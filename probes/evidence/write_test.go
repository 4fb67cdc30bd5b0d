package evidence_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

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
