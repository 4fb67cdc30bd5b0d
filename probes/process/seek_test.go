package process_test

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/plant"
	"github.com/katacert/katacert/probes/process"
)

// TestMain lets the test binary stand for the probe binary, which holds what the
// witness plants.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "hold":
			os.Exit(plant.Hold(os.Args[2:]))
		case "hold-process":
			os.Exit(plant.HoldProcess(os.Args[2:]))
		}
	}
	os.Exit(m.Run())
}

// round runs the group's probes and the witness's, as one vantage in one round.
func round(t *testing.T, ctx probes.Context) map[string]evidence.Observation {
	t.Helper()
	observations, _ := probes.Run(&ctx, slices.Concat(plant.Probes(), process.Probes()))
	byProbe := map[string]evidence.Observation{}
	for _, o := range observations {
		byProbe[o.Probe] = o
	}
	return byProbe
}

// onNode returns the context of a witness on this machine, with a temporary
// directory for the node's root.
func onNode(t *testing.T) probes.Context {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("planting needs root")
	}
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	ctx := probes.Context{
		Run: "test-" + hex.EncodeToString(random), Vantage: evidence.Witness, HostRoot: t.TempDir(), Seed: []byte(t.Name() + string(random)),
	}
	for _, dir := range []string{"var/lib", "run", "var/log", "tmp"} {
		if err := os.MkdirAll(filepath.Join(ctx.HostRoot, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if _, err := plant.Sweep(ctx.HostRoot, ctx.Run); err != nil {
			t.Error(err)
		}
	})
	return ctx
}

// seeker returns the context of a pod that shares the node's kernel and
// namespaces, looking for what is planted from the seed.
func seeker(ctx probes.Context, seed []byte) probes.Context {
	seek := map[string]string{}
	for _, name := range probes.TokenNames() {
		seek[name] = probes.TokenHash(probes.Token(seed, name))
	}
	return probes.Context{Run: ctx.Run, Round: evidence.LookAgain, Vantage: evidence.Weakened("everything"), Seek: seek}
}

// sought are the lists that seekers fill, and the kind of plant each needs.
var sought = []struct{ probe, reading, kind, want string }{
	{"planted-process", "seen", "process ", "argv"},
	{"planted-process", "seen", "process ", "environ"},
	{"planted-process", "signalled", "process ", "pid"},
	{"planted-process", "traced", "process ", "pid"},
	{"kmsg", "found", "kmsg ", "syslog"},
	{"kmsg", "found", "kmsg ", "/dev/kmsg"},
	{"ipc", "found", "shm ", "sysv-shm"},
	{"ipc", "found", "mqueue ", "posix-mqueue"},
	{"abstract-socket", "found", "socket ", "@katacert-"},
}

func TestSeekersFindWhatIsPlantedAndNothingElse(t *testing.T) {
	node := onNode(t)
	node.Round = evidence.Act
	acted := round(t, node)
	planted, _ := acted["plants"].Values.List("planted")
	if len(planted) == 0 {
		t.Fatalf("nothing planted: %+v", acted["plants"])
	}

	// Twice: seeking must not use up what is found.
	for range 2 {
		seen := round(t, seeker(node, node.Seed))
		for _, s := range sought {
			if !containsPart(planted, s.kind) {
				t.Logf("no %sis planted here", s.kind)
				continue
			}
			if list, _ := seen[s.probe].Values.List(s.reading); !containsPart(list, s.want) {
				t.Errorf("%s: %s is %q without %q (%s %s)", s.probe, s.reading, list, s.want, seen[s.probe].State, seen[s.probe].Detail)
			}
		}
	}
	expectNothing(t, "with another seed", round(t, seeker(node, []byte("another seed"))))

	node.Round = evidence.Settle
	if left, ok := round(t, node)["plants"].Values.List("left"); !ok || len(left) > 0 {
		t.Fatalf("left after settle: %q", left)
	}
	// The kernel's log cannot be taken back.
	settled := round(t, seeker(node, node.Seed))
	delete(settled, "kmsg")
	expectNothing(t, "after settle", settled)
}

func expectNothing(t *testing.T, when string, seen map[string]evidence.Observation) {
	t.Helper()
	for _, s := range sought {
		o, ok := seen[s.probe]
		if !ok {
			continue
		}
		if list, ok := o.Values.List(s.reading); !ok || len(list) > 0 {
			t.Errorf("%s: %s %s is %q (%s %s)", when, s.probe, s.reading, list, o.State, o.Detail)
		}
	}
}

func containsPart(list []string, part string) bool {
	return slices.ContainsFunc(list, func(item string) bool { return strings.Contains(item, part) })
}

func TestSeekersFailWithoutAHash(t *testing.T) {
	for id, o := range round(t, probes.Context{Run: "r1", Round: evidence.LookAgain, Vantage: evidence.Subject}) {
		if slices.ContainsFunc(sought, func(s struct{ probe, reading, kind, want string }) bool { return s.probe == id }) && o.State != evidence.Failed {
			t.Errorf("%s: %s", id, o.State)
		}
	}
}

func TestCgroupsAreMadeCountedAndRemoved(t *testing.T) {
	node := onNode(t)
	const created = 103
	var hierarchy string
	count := func(r evidence.Round) int64 {
		node.Round = r
		o := round(t, node)["cgroups"]
		if o.State != evidence.Seen {
			t.Skipf("no cgroups can be counted or made here: %s %s", o.State, o.Detail)
		}
		if left, _ := o.Values.List("left"); len(left) > 0 {
			t.Errorf("left %q", left)
		}
		if made, ok := o.Values.Number("created"); ok && made != created {
			t.Errorf("made %d", made)
		}
		if name, ok := o.Values.Text("hierarchy"); ok {
			hierarchy = name
		}
		n, _ := o.Values.Number("num_" + hierarchy)
		return n
	}
	full := count(evidence.Act)
	count(evidence.Settle)
	// The kernel forgets removed cgroups a moment later.
	await(t, "the count to fall", func() bool { return full-count(evidence.Look) >= created/2 })
	low := count(evidence.Look)
	// Other programs of the machine make and remove cgroups meanwhile; the judge
	// allows for half the jump, too.
	if again := count(evidence.Act); again-low < created/2 {
		t.Errorf("the count of %s went from %d to %d", hierarchy, low, again)
	}
	count(evidence.Settle)
}

// await waits for something that the kernel brings about.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	const limit, pause = 10 * time.Second, 20 * time.Millisecond
	deadline := time.After(limit)
	for !done() {
		select {
		case <-time.After(pause):
		case <-deadline:
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

func TestInterruptCountersMoveForTheWitness(t *testing.T) {
	// Other probes of the group leave cgroups behind in this round.
	t.Cleanup(func() { round(t, probes.Context{Run: "r1", Round: evidence.Settle, Vantage: evidence.Witness}) })
	o := round(t, probes.Context{Run: "r1", Round: evidence.Act, Vantage: evidence.Witness})["interrupts"]
	if o.State != evidence.Seen {
		t.Skipf("%s %s", o.State, o.Detail)
	}
	for _, name := range []string{"total", "intr_total", "softirq_total"} {
		after, ok := o.Values.Number(name)
		before, had := o.Values.Number(name + "_before")
		if ok != had || (ok && after <= before) {
			t.Errorf("%s went from %d to %d", name, before, after)
		}
	}
}

func TestLoadIsReadHere(t *testing.T) {
	o := round(t, probes.Context{Run: "r1", Round: evidence.Look, Vantage: evidence.Subject})["load"]
	kib, _ := o.Values.Number("mem_total_kib")
	cpus, _ := o.Values.Number("cpus")
	if kib <= 0 || cpus <= 0 {
		t.Errorf("%+v", o)
	}
}
