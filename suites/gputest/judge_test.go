package gputest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// load reads a run that was kept.
func load(t *testing.T, name string) Recorded {
	t.Helper()
	recorded, err := ReadFolder(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

// verdictOf judges one control at one place.
func verdictOf(t *testing.T, r Recorded, control string, p Place) judge.Verdict {
	t.Helper()
	for _, c := range Controls() {
		if c.ID == control {
			return c.Judge(r, p)
		}
	}
	t.Fatalf("there is no control %s", control)
	return judge.Verdict{}
}

// change replaces text in the readings of one probe in one record.
func change(target, probe, from, to string) func(*testing.T, Recorded) {
	return func(t *testing.T, r Recorded) {
		t.Helper()
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
func set(target, probe, reading string, value evidence.Value) func(*testing.T, Recorded) {
	return func(_ *testing.T, r Recorded) {
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

func drop(target string) func(*testing.T, Recorded) {
	return func(_ *testing.T, r Recorded) { delete(r, target) }
}

func failed(target string) func(*testing.T, Recorded) {
	return func(_ *testing.T, r Recorded) {
		r[target] = evidence.Record{Schema: evidence.RecordSchema, Target: target, Error: "runsc: exit status 128"}
	}
}

// state makes a probe's observation one without readings.
func state(target, probe string, state evidence.State) func(*testing.T, Recorded) {
	return func(_ *testing.T, r Recorded) {
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

func TestBrokenEvidence(t *testing.T) {
	const gpu = "GPU-10510b6f-fcee-fc8a-9be4-e3e6c3fea570"
	for name, test := range map[string]struct {
		control string
		place   Place
		broken  func(*testing.T, Recorded)
		want    judge.Result
		said    string
	}{
		"another GPU":               {"gpu-allocation", Runc, set("runc/look", "gpu-cuda-devices", "uuids", evidence.List("GPU-of-another")), judge.Fail, "sees GPU-of-another"},
		"a GPU too many":            {"gpu-allocation", Runc, set("machine", "gpu-machine", "given", evidence.List()), judge.Fail, "was given"},
		"no GPU":                    {"gpu-allocation", Runc, state("runc/look", "gpu-cuda-devices", evidence.Absent), judge.Fail, "sees no GPU"},
		"CUDA failed":               {"gpu-allocation", Runc, state("runc/look", "gpu-cuda-devices", evidence.Failed), judge.Error, "NO_DEVICE"},
		"the container failed":      {"gpu-allocation", Runc, failed("runc/look"), judge.Error, "exit status 128"},
		"not run":                   {"gpu-allocation", Runc, drop("runc/look"), judge.Error, "was not run"},
		"another driver":            {"gpu-driver-identity", Runc, set("runc/look", "gpu-nvml", "driver", evidence.Text("570.1")), judge.Fail, "570.1"},
		"another address":           {"gpu-driver-identity", Runc, change("runc/look", "gpu-nvml", "00:06.0", "00:07.0"), judge.Fail, "07.0"},
		"a wrong sum":               {"gpu-compute", Native, change("native/look", "gpu-compute", "vector_wrong=0", "vector_wrong=1"), judge.Fail, "1 of"},
		"nothing computed":          {"gpu-compute", Native, change("native/look", "gpu-compute", "vector_elements=4194304", "vector_elements=0"), judge.Invalid, "nothing"},
		"a garbled count":           {"gpu-compute", Native, change("native/look", "gpu-compute", "vector_wrong=0", "vector_wrong=none"), judge.Error, "no number"},
		"a count that is missing":   {"gpu-compute", Native, change("native/look", "gpu-compute", "vector_wrong=0", ""), judge.Error, "nothing was said of vector_wrong"},
		"a wrong word":              {"gpu-memory-pattern", Runc, change("runc/look", "gpu-memory-pattern", "wrong=0", "wrong=3 first_wrong=0x7"), judge.Fail, "0x7"},
		"a blind memory test":       {"gpu-memory-pattern", Runc, change("runc/look", "gpu-memory-pattern", "found=true", "found=false"), judge.Invalid, "flipped"},
		"little memory tested":      {"gpu-memory-pattern", Runc, change("runc/look", "gpu-memory-pattern", "tested=", "tested=1 before="), judge.Invalid, "1 of"},
		"the tenant's canary":       {"gpu-memory-residue-release", Runc, change("runc/after-release", "gpu-residue", "tokens=none", "tokens=memory-a"), judge.Fail, "found again"},
		"another's canary":          {"gpu-memory-residue-kill", Runc, change("runc/after-kill", "gpu-residue", "marks=0", "marks=2"), judge.Fail, "2 canaries"},
		"a blind scan":              {"gpu-memory-residue-kill", Runc, change("runc/after-kill", "gpu-residue", "own_found=true", "own_found=false"), judge.Invalid, "planted itself"},
		"little planted":            {"gpu-memory-residue-kill", Runc, change("runc/kill", "gpu-tenant", "bytes=", "bytes=1 before="), judge.Invalid, "1 bytes were planted"},
		"no tenant":                 {"gpu-memory-residue-kill", Runc, drop("runc/kill"), judge.Error, "was not run"},
		"a canary in shared memory": {"gpu-local-residue-kill", Runc, change("runc/after-kill", "gpu-shared-memory", "unknown_tokens=0", "unknown_tokens=1"), judge.Fail, "shared memory"},
		"a blind dump":              {"gpu-local-residue-release", Runc, change("runc/after-release", "gpu-shared-memory", "own_found=true", "own_found=false"), judge.Invalid, "nothing can be found"},
		"an open device node":       {"gpu-unrequested", Runc, set("runc/unrequested", "gpu-device-nodes", "opened", evidence.List("/dev/nvidia0")), judge.Fail, "/dev/nvidia0"},
		"a GPU nobody asked for":    {"gpu-unrequested", Runc, set("runc/unrequested", "gpu-cuda-devices", "uuids", evidence.List(gpu)), judge.Fail, gpu},
		"nobody opens a GPU":        {"gpu-unrequested", Runc, set("runc/look", "gpu-device-nodes", "opened", evidence.List()), judge.Invalid, "was not seen"},
		"memory kept":               {"gpu-release", Runc, change("runc/freed", "gpu-nvml", "memory_used=", "memory_used=99000000000 before="), judge.Fail, "99.0 GB"},
		"a process left":            {"gpu-release", Runc, set("runc/freed", "gpu-nvml", "processes", evidence.List("pid=7")), judge.Fail, "pid=7"},
		"wrong at last":             {"gpu-release", Runc, change("runc/again-1", "gpu-compute", "matrix_wrong=0", "matrix_wrong=9"), judge.Fail, "runc/again-1"},
		"a blind reading of use":    {"gpu-release", Runc, change("native/held", "gpu-nvml", "memory_used=", "memory_used=0 before="), judge.Invalid, "does not show"},
		"a kernel of runc's own":    {"kernel-boot-id", Runc, set("runc/look", "boot-id", "boot_id", evidence.Text("other")), judge.Invalid, "another kernel"},
		"the machine's boot id":     {"kernel-boot-id", Runsc, sameKernel, judge.Fail, "against the machine's"},
	} {
		t.Run(name, func(t *testing.T) {
			recorded := load(t, good)
			if before := verdictOf(t, recorded, test.control, test.place); before.Result != judge.Pass && test.place != Runc {
				t.Fatalf("before anything was broken: %s, %s", before.Result, before.Reason)
			}
			test.broken(t, recorded)
			got := verdictOf(t, recorded, test.control, test.place)
			if got.Result != test.want || !strings.Contains(got.Reason, test.said) {
				t.Errorf("%s: %s, want %s with %q", got.Result, got.Reason, test.want, test.said)
			}
		})
	}
}

// sameKernel gives the sandbox the machine's boot id.
func sameKernel(t *testing.T, r Recorded) {
	t.Helper()
	id, err := r.text("native/look", "boot-id", "boot_id")
	if err != nil {
		t.Fatal(err)
	}
	set("runsc/look", "boot-id", "boot_id", evidence.Text(id))(t, r)
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field":  `{"schema":"katacert.dev/evidence/v1","surprise":1}`,
		"another schema": `{"schema":"other","target":"a"}`,
		"no JSON":        `hello`,
		"twice":          `{"schema":"katacert.dev/evidence/v1","target":"a"}` + "\n" + `{"schema":"katacert.dev/evidence/v1","target":"a"}`,
	} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

func TestWatcherFindsWholeLines(t *testing.T) {
	w := &watcher{wanted: holdReady, found: make(chan struct{})}
	for _, part := range []string{"planted uuid=a bytes=1\nnot hold", "ing\nhol"} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-w.found:
		t.Fatal("the line was found before it came")
	default:
	}
	_, _ = w.Write([]byte("ding\n"))
	<-w.found
	if lines := w.lines("planted "); !slices.Equal(lines, []string{"uuid=a bytes=1"}) {
		t.Errorf("the lines are %q", lines)
	}
}
