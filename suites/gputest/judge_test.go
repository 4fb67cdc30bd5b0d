package gputest

import (
	"math"
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

// sound are the recorded runs and the places that were whole there: on a real card
// inside gVisor and natively, and on the stand-in inside runc.
var sound = []struct {
	run   string
	place Place
}{{"h200-gvisor", Runsc}, {"h200-native", Native}, {"stand-in", Runc}, {"stand-in", Native}}

// TestBrokenEvidence breaks what passes, in every sound place where it does.
func TestBrokenEvidence(t *testing.T) {
	for name, test := range map[string]struct {
		control string
		broken  breakage
		want    judge.Result
		said    string
	}{
		"another GPU":               {"gpu-allocation", set("HERE/look", "gpu-cuda-devices", "uuids", evidence.List("GPU-of-another")), judge.Fail, "sees GPU-of-another"},
		"a GPU too many":            {"gpu-allocation", nothingGiven, judge.Fail, "was given"},
		"no GPU":                    {"gpu-allocation", state("HERE/look", "gpu-cuda-devices", evidence.Absent), judge.Fail, "sees no GPU"},
		"CUDA failed":               {"gpu-allocation", state("HERE/look", "gpu-cuda-devices", evidence.Failed), judge.Error, "NO_DEVICE"},
		"the container failed":      {"gpu-allocation", failed("HERE/look"), judge.Error, "exit status 128"},
		"not run":                   {"gpu-allocation", drop("HERE/look"), judge.Error, "was not run"},
		"another driver":            {"gpu-driver-identity", set("HERE/look", "gpu-nvml", "driver", evidence.Text("570.1")), judge.Fail, "570.1"},
		"another address":           {"gpu-driver-identity", change("HERE/look", "gpu-nvml", "00:06.0", "00:07.0"), judge.Fail, "07.0"},
		"a wrong sum":               {"gpu-compute", change("HERE/look", "gpu-compute", "vector_wrong=0", "vector_wrong=1"), judge.Fail, "1 of"},
		"nothing computed":          {"gpu-compute", change("HERE/look", "gpu-compute", "vector_elements=4194304", "vector_elements=0"), judge.Invalid, "nothing"},
		"a garbled count":           {"gpu-compute", change("HERE/look", "gpu-compute", "vector_wrong=0", "vector_wrong=none"), judge.Error, "no number"},
		"a count that is missing":   {"gpu-compute", change("HERE/look", "gpu-compute", "vector_wrong=0", ""), judge.Error, "nothing was said of vector_wrong"},
		"a wrong word":              {"gpu-memory-pattern", change("HERE/look", "gpu-memory-pattern", "wrong=0", "wrong=3 first_wrong=0x7"), judge.Fail, "0x7"},
		"a blind memory test":       {"gpu-memory-pattern", change("HERE/look", "gpu-memory-pattern", "found=true", "found=false"), judge.Invalid, "flipped"},
		"little memory tested":      {"gpu-memory-pattern", change("HERE/look", "gpu-memory-pattern", "tested=", "tested=1 before="), judge.Invalid, "1 of"},
		"the tenant's canary":       {"gpu-memory-residue-release", change("HERE/after-release", "gpu-residue", "tokens=none", "tokens=memory-a"), judge.Fail, "found again"},
		"another's canary":          {"gpu-memory-residue-kill", change("HERE/after-kill", "gpu-residue", "marks=0", "marks=2"), judge.Fail, "2 canaries"},
		"a blind scan":              {"gpu-memory-residue-kill", change("HERE/after-kill", "gpu-residue", "own_found=true", "own_found=false"), judge.Invalid, "planted itself"},
		"little planted":            {"gpu-memory-residue-kill", change("HERE/kill", "gpu-tenant", "bytes=", "bytes=1 before="), judge.Invalid, "1 bytes were planted"},
		"no tenant":                 {"gpu-memory-residue-kill", drop("HERE/kill"), judge.Error, "was not run"},
		"a canary in shared memory": {"gpu-local-residue-kill", change("HERE/after-kill", "gpu-shared-memory", "unknown_tokens=0", "unknown_tokens=1"), judge.Fail, "shared memory"},
		"a blind dump":              {"gpu-local-residue-release", change("HERE/after-release", "gpu-shared-memory", "own_found=true", "own_found=false"), judge.Invalid, "nothing can be found"},
		"an open device node":       {"gpu-unrequested", set("HERE/unrequested", "gpu-device-nodes", "opened", evidence.List("/dev/nvidia0")), judge.Fail, "/dev/nvidia0"},
		"a GPU nobody asked for":    {"gpu-unrequested", set("HERE/unrequested", "gpu-cuda-devices", "uuids", evidence.List("GPU-of-another")), judge.Fail, "GPU-of-another"},
		"nobody opens a GPU":        {"gpu-unrequested", set("HERE/look", "gpu-device-nodes", "opened", evidence.List()), judge.Invalid, "was not seen"},
		"memory kept":               {"gpu-release", change("HERE/freed", "gpu-nvml", "memory_used=", "memory_used=99000000000 before="), judge.Fail, "99.0 GB"},
		"a process left":            {"gpu-release", set("HERE/freed", "gpu-nvml", "processes", evidence.List("pid=7")), judge.Fail, "pid=7"},
		"wrong at last":             {"gpu-release", change("HERE/again-1", "gpu-compute", "matrix_wrong=0", "matrix_wrong=9"), judge.Fail, "/again-1"},
		"a blind reading of use":    {"gpu-release", change("native/held", "gpu-nvml", "memory_used=", "memory_used=0 before="), judge.Invalid, "does not show"},
	} {
		t.Run(name, func(t *testing.T) {
			tried := 0
			for _, at := range sound {
				recorded := load(t, at.run)
				if verdictOf(t, recorded, test.control, at.place).Result != judge.Pass {
					continue
				}
				tried++
				test.broken(t, recorded, at.place)
				got := verdictOf(t, recorded, test.control, at.place)
				if got.Result != test.want || !strings.Contains(got.Reason, test.said) {
					t.Errorf("%s in %s: %s: %s, want %s with %q", at.run, at.place, got.Result, got.Reason, test.want, test.said)
				}
			}
			if tried == 0 {
				t.Errorf("%s passes in no recorded run, so that nothing was broken", test.control)
			}
		})
	}
}

// TestKernels breaks what the kernels say, in the run of the stand-in, where the plain
// container shows the machine's.
func TestKernels(t *testing.T) {
	for name, test := range map[string]struct {
		place  Place
		broken breakage
		want   judge.Result
		said   string
	}{
		"sound":                     {Runsc, func(*testing.T, Recorded, Place) {}, judge.Pass, "gvisor"},
		"a kernel of runc's own":    {Runc, set("runc/look", "boot-id", "boot_id", evidence.Text("other")), judge.Invalid, "another kernel"},
		"no reference":              {Runsc, failed("runc/look"), judge.Invalid, "was not shown"},
		"the machine's boot id":     {Runsc, sameKernel, judge.Fail, "against the machine's"},
		"no boot id in the sandbox": {Runsc, drop("runsc/look"), judge.Error, "was not run"},
	} {
		t.Run(name, func(t *testing.T) {
			recorded := load(t, "stand-in")
			test.broken(t, recorded, test.place)
			got := verdictOf(t, recorded, "kernel-boot-id", test.place)
			if got.Result != test.want || !strings.Contains(got.Reason, test.said) {
				t.Errorf("%s: %s, want %s with %q", got.Result, got.Reason, test.want, test.said)
			}
		})
	}
}

// TestRecordedRuns holds the verdicts of what was recorded, and above all which of them
// are none: what was not seen must not pass.
func TestRecordedRuns(t *testing.T) {
	all := func(result judge.Result, except map[string]judge.Result) map[string]judge.Result {
		want := map[string]judge.Result{}
		for _, c := range Controls() {
			want[c.ID] = result
		}
		for id, result := range except {
			want[id] = result
		}
		return want
	}
	for _, test := range []struct {
		run   string
		place Place
		want  map[string]judge.Result
	}{
		{"h200-gvisor", Runsc, all(judge.Pass, map[string]judge.Result{"gpu-release": judge.Error, "kernel-boot-id": judge.Invalid})},
		{"h200-gvisor", Native, all(judge.Error, map[string]judge.Result{
			"gpu-allocation": judge.Pass, "gpu-driver-identity": judge.Pass, "gpu-compute": judge.Pass, "gpu-memory-pattern": judge.Pass,
			"gpu-unrequested": judge.NotApplicable, "kernel-boot-id": judge.NotApplicable,
		})},
		{"h200-gvisor", Runc, all(judge.Error, map[string]judge.Result{"gpu-unrequested": judge.Invalid})},
		{"h200-native", Native, all(judge.Pass, map[string]judge.Result{
			"gpu-unrequested": judge.NotApplicable, "gpu-release": judge.Error, "kernel-boot-id": judge.Error,
		})},
		{"stand-in", Runc, all(judge.Pass, map[string]judge.Result{"kernel-boot-id": judge.NotApplicable})},
	} {
		recorded := load(t, test.run)
		for id, want := range test.want {
			if got := verdictOf(t, recorded, id, test.place); got.Result != want {
				t.Errorf("%s in %s: %s is %s (%s), want %s", test.run, test.place, id, got.Result, got.Reason, want)
			}
		}
	}
}

// TestFigures reads the figures of the run on the real card.
func TestFigures(t *testing.T) {
	report := Conclude("run", load(t, "h200-gvisor"), []string{"a note"})
	if !strings.HasPrefix(report.GPU, "NVIDIA H200 (GPU-875e4dd4") {
		t.Errorf("the card is %s", report.GPU)
	}
	want := map[string][2]float64{ // native, gVisor
		"fp32": {58.608, 58.6}, "bf16 tensor cores": {626.575, 630.2}, "machine to GPU": {54.961, 55.2}, "GPU to machine": {55.15, 55.1},
		"within the GPU": {3989.825, 4062}, "residue scan": {3412, 3423},
	}
	for _, f := range report.Figures {
		native, ok1 := f.Median(Native)
		sandbox, ok2 := f.Median(Runsc)
		expected, known := want[f.Name]
		if known != (ok1 && ok2) || known && (math.Abs(native/expected[0]-1) > 0.001 || math.Abs(sandbox/expected[1]-1) > 0.001) {
			t.Errorf("%s: %v natively (%t), %v in the sandbox (%t); want %v", f.Name, native, ok1, sandbox, ok2, expected)
		}
		if _, ok := f.Median(Runc); ok {
			t.Errorf("%s: a place that was not tried has a figure", f.Name)
		}
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"kernel-boot-id               not-applicable   error     invalid", "58.6 (58.6 to 58.6, n=4)", "88 % natively", "note: a note"} {
		if !strings.Contains(text.String(), said) {
			t.Errorf("the text does not say %q:\n%s", said, text.String())
		}
	}
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
