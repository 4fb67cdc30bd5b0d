package gputest

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

// breakage changes the evidence of a run at one place.
type breakage func(t *testing.T, r Recorded, here Place)

// at is a target in which HERE stands for the place.
func at(target string, here Place) string { return strings.ReplaceAll(target, "HERE", string(here)) }

// change replaces text in the readings of one probe in one record.
func change(target, probe, from, to string) breakage {
	return func(t *testing.T, r Recorded, here Place) {
		t.Helper()
		target := at(target, here)
		record := r[target]
		record.Observations = slices.Clone(record.Observations)
		changed := false
		for i, o := range record.Observations {
			if o.Probe != probe {
				continue
			}
			values := evidence.Values{}
			for name, value := range o.Values {
				values[name] = value
				if list, ok := o.Values.List(name); ok {
					list = slices.Clone(list)
					for k := range list {
						changed = changed || strings.Contains(list[k], from)
						list[k] = strings.ReplaceAll(list[k], from, to)
					}
					values[name] = evidence.List(list...)
				} else if text, ok := o.Values.Text(name); ok && strings.Contains(text, from) {
					values[name], changed = evidence.Text(strings.ReplaceAll(text, from, to)), true
				}
			}
			record.Observations[i].Values = values
		}
		if !changed {
			t.Fatalf("%s: nothing of %s says %q", target, probe, from)
		}
		r[target] = record
	}
}

// set replaces one reading.
func set(target, probe, reading string, value evidence.Value) breakage {
	return func(_ *testing.T, r Recorded, here Place) {
		target := at(target, here)
		record := r[target]
		record.Observations = slices.Clone(record.Observations)
		for i, o := range record.Observations {
			if o.Probe == probe {
				values := evidence.Values{}
				for name, value := range o.Values {
					values[name] = value
				}
				values[reading] = value
				record.Observations[i].Values, record.Observations[i].State = values, evidence.Seen
			}
		}
		r[target] = record
	}
}

func drop(target string) breakage {
	return func(_ *testing.T, r Recorded, here Place) { delete(r, at(target, here)) }
}

func failed(target string) breakage {
	return func(_ *testing.T, r Recorded, here Place) {
		target := at(target, here)
		r[target] = evidence.Record{Schema: evidence.RecordSchema, Target: target, Error: "runsc: exit status 128"}
	}
}

// state makes a probe's observation one without readings.
func state(target, probe string, state evidence.State) breakage {
	return func(_ *testing.T, r Recorded, here Place) {
		target := at(target, here)
		record := r[target]
		record.Observations = slices.Clone(record.Observations)
		for i, o := range record.Observations {
			if o.Probe == probe {
				record.Observations[i] = evidence.Observation{Probe: probe, State: state, Detail: "cuInit: CUDA_ERROR_NO_DEVICE (100)"}
			}
		}
		r[target] = record
	}
}

// nothingGiven says that nobody was given a GPU.
func nothingGiven(t *testing.T, r Recorded, here Place) {
	t.Helper()
	for _, reading := range []string{"given", "uuids"} {
		set("machine", "gpu-machine", reading, evidence.List())(t, r, here)
	}
}

// sameKernel gives the sandbox the machine's boot id.
func sameKernel(t *testing.T, r Recorded, here Place) {
	t.Helper()
	id, err := r.text("native/look", "boot-id", "boot_id")
	if err != nil {
		t.Fatal(err)
	}
	set("runsc/look", "boot-id", "boot_id", evidence.Text(id))(t, r, here)
}
