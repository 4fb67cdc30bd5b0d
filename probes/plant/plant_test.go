package plant

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// TestMain lets the test binary stand for the probe binary: what is planted is
// held by processes that run the same executable.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case holdCommand:
			os.Exit(Hold(os.Args[2:]))
		case holdProcessCommand:
			os.Exit(HoldProcess(os.Args[2:]))
		case "container":
			os.Exit(actAndEnd(os.Args[2], os.Args[3]))
		}
	}
	os.Exit(m.Run())
}

// witness returns the context of a witness whose node has a temporary directory
// for a root.
func witness(t *testing.T, round evidence.Round, hostRoot, run string) *probes.Context {
	t.Helper()
	return &probes.Context{
		Run: run, Round: round, Vantage: evidence.Witness, HostRoot: hostRoot,
		Seed: []byte("seed of " + t.Name()),
	}
}

func node(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("planting needs root")
	}
	root := t.TempDir()
	for _, dir := range filePlaces() {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func newRun() string { return "test-" + randomHex() }

// planted runs the act round and arranges for everything to be gone after the
// test, whatever becomes of it.
func planted(t *testing.T, root, run string) (*probes.Context, []string, evidence.Values) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := Sweep(root, run); err != nil {
			t.Error(err)
		}
	})
	ctx := witness(t, evidence.Act, root, run)
	o := observe(ctx)
	if o.State != evidence.Seen {
		t.Fatalf("act: %s %s", o.State, o.Detail)
	}
	if failed, _ := o.Values.List("failed"); len(failed) > 0 {
		t.Logf("not planted here: %q", failed)
	}
	lines, _ := o.Values.List("planted")
	return ctx, lines, o.Values
}

func hasKind(lines []string, kind string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, kind+" ") })
}

func TestActPlantsAndSettleRevertsEverything(t *testing.T) {
	root, run := node(t), newRun()
	ctx, lines, values := planted(t, root, run)
	for _, kind := range []string{"file", "process", "shm", "mqueue", "socket"} {
		if !hasKind(lines, kind) {
			t.Errorf("no %s among what was planted: %q", kind, lines)
		}
	}
	remaining := Remains(root, run)
	for _, kind := range []string{"file", "process", "mqueue", "holder"} {
		if !hasKind(remaining, kind) {
			t.Errorf("no %s among what remains while it is planted: %q", kind, remaining)
		}
	}
	if device, ok := values.Text("loop_device"); ok {
		sectors, _ := values.Number("loop_sectors")
		size, err := os.ReadFile("/sys/block/" + device + "/size")
		if err != nil || strings.TrimSpace(string(size)) != evidence.Number(sectors).String() {
			t.Errorf("size of %s: %q, %v; reported %d sectors", device, size, err, sectors)
		}
		if sectors%2 != 0 {
			t.Errorf("%d sectors are no whole number of KiB", sectors)
		}
	}

	settled := *ctx
	settled.Round = evidence.Settle
	o := observe(&settled)
	reverted, _ := o.Values.List("reverted")
	if left, ok := o.Values.List("left"); !ok || len(left) > 0 || o.Detail != "" {
		t.Errorf("left %q, detail %q", left, o.Detail)
	}
	for _, line := range lines {
		kind, _, _ := strings.Cut(line, " ")
		if kind != "kmsg" && !hasKind(reverted, kind) {
			t.Errorf("%q was planted, reverted are only %q", line, reverted)
		}
	}
	if remaining := Remains(root, run); len(remaining) > 0 {
		t.Errorf("remains after settle: %q", remaining)
	}
}

func TestCanariesHoldTheTokenAndCanBeReadByAll(t *testing.T) {
	root, run := node(t), newRun()
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	ctx, lines, _ := planted(t, root, run)
	canaries := 0
	for _, line := range lines {
		name, ok := strings.CutPrefix(line, "file ")
		if !ok {
			continue
		}
		canaries++
		content, err := os.ReadFile(root + name)
		if err != nil || string(content) != probes.Token(ctx.Seed, probes.TokenFile) {
			t.Errorf("%s holds %q, %v", name, content, err)
		}
		for path, want := range map[string]os.FileMode{root + name: 0o644, filepath.Dir(root + name): 0o755} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("mode of %s: %v, %v; want %v", path, info.Mode(), err, want)
			}
		}
	}
	if canaries != len(filePlaces()) {
		t.Errorf("%d canaries at %d places", canaries, len(filePlaces()))
	}
}

func TestHolderKilledLeavesOnlyWhatSweepRemoves(t *testing.T) {
	root, run := node(t), newRun()
	ctx, _, _ := planted(t, root, run)
	s, err := newSite(ctx.Run, ctx.HostRoot, ctx.Seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members(s) {
		if m.command == holdCommand {
			if err := unix.Kill(m.pid, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	await(t, "what the kernel reverts to be gone", func() bool {
		found := remains(s, kinds())
		return !slices.ContainsFunc([]string{"holder", "process", "shm", "socket", "loop"}, func(kind string) bool { return hasKind(found, kind) })
	})
	removed, err := Sweep(root, run)
	if err != nil || !hasKind(removed, "file") || !hasKind(removed, "mqueue") {
		t.Errorf("sweep removed %q, %v", removed, err)
	}
	if left := remains(s, sweepable()); len(left) > 0 {
		t.Errorf("left after the sweep: %q", left)
	}
}

func TestHolderRevertsWhenToldToEnd(t *testing.T) {
	root, run := node(t), newRun()
	planted(t, root, run)
	if err := Release(); err != nil {
		t.Fatal(err)
	}
	await(t, "everything to be gone", func() bool { return len(Remains(root, run)) == 0 })
}

// actAndEnd is the only process of a container that ends right after the act
// round, as when the pod is deleted in the middle of a run.
func actAndEnd(root, run string) int {
	o := observe(&probes.Context{Run: run, Round: evidence.Act, Vantage: evidence.Witness, HostRoot: root, Seed: []byte("seed")})
	if planted, _ := o.Values.List("planted"); !hasKind(planted, "file") {
		fmt.Fprintf(os.Stderr, "%+v\n", o)
		return exitFailed
	}
	fmt.Print(strings.Join(Remains(root, run), "\n"))
	return exitOK
}

func TestHolderRevertsWhenItsContainerEnds(t *testing.T) {
	root, run := node(t), newRun()
	t.Cleanup(func() {
		if _, err := Sweep(root, run); err != nil {
			t.Error(err)
		}
	})
	first := exec.Command(self, "container", root, run)
	first.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	var failure bytes.Buffer
	first.Stderr = &failure
	// Output returns when the last process that has it open ends: it must not be
	// the holder that keeps it.
	output, err := first.Output()
	if err != nil || !hasKind(strings.Split(string(output), "\n"), "holder") {
		t.Fatalf("%v: %s%s", err, output, failure.String())
	}
	await(t, "everything to be gone", func() bool { return len(Remains(root, run)) == 0 })
}

func TestActTwiceKeepsOneHolder(t *testing.T) {
	root, run := node(t), newRun()
	planted(t, root, run)
	_, lines, _ := planted(t, root, run)
	holders := 0
	for _, line := range Remains(root, run) {
		if strings.HasPrefix(line, "holder ") {
			holders++
		}
	}
	if holders != 1 || !hasKind(lines, "file") {
		t.Errorf("%d holders after a second act that planted %q", holders, lines)
	}
}

func TestSitesDoNotTouchEachOther(t *testing.T) {
	root, run := node(t), newRun()
	ctx, _, _ := planted(t, root, run)
	before := Remains(root, run)
	other := *ctx
	other.Round, other.Seed = evidence.Settle, []byte("the seed of another witness of the same run")
	if o := observe(&other); o.State != evidence.Seen {
		t.Fatalf("settle: %s %s", o.State, o.Detail)
	}
	// A run whose id begins like this one.
	if removed, err := Sweep(root, run[:len(run)-1]); err != nil || len(removed) > 0 {
		t.Errorf("the sweep of another run removed %q, %v", removed, err)
	}
	if after := Remains(root, run); !slices.Equal(before, after) {
		t.Errorf("before %q, after %q", before, after)
	}
}

func TestFailedPlantsDoNotKeepOthersFromBeingPlanted(t *testing.T) {
	root, run := node(t), newRun()
	if err := os.Remove(filepath.Join(root, "var/log")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/", filepath.Join(root, "var/log")); err != nil {
		t.Fatal(err)
	}
	_, lines, values := planted(t, root, run)
	failed, _ := values.List("failed")
	if !slices.ContainsFunc(failed, func(line string) bool { return strings.HasPrefix(line, "file: ") && strings.Contains(line, "var/log") }) {
		t.Errorf("a link out of the node's root is not among the failures: %q", failed)
	}
	if !hasKind(lines, "file") || !hasKind(lines, "process") {
		t.Errorf("planted only %q", lines)
	}
}

func TestSweepRefusesWhatIsNoRunID(t *testing.T) {
	for _, run := range []string{"", "..", "a/b", "*", "A", "-a", strings.Repeat("a", 41)} {
		if removed, err := Sweep(t.TempDir(), run); err == nil {
			t.Errorf("sweep of run %q removed %q instead of refusing", run, removed)
		}
		if found := Remains(t.TempDir(), run); found != nil {
			t.Errorf("remains of run %q: %q", run, found)
		}
	}
}

func TestActWithoutSeedFails(t *testing.T) {
	ctx := &probes.Context{Run: "r1", Round: evidence.Act, Vantage: evidence.Witness, HostRoot: t.TempDir()}
	if o := observe(ctx); o.State != evidence.Failed || o.Detail == "" {
		t.Errorf("%+v", o)
	}
}

func TestSiteOwns(t *testing.T) {
	const tag, other = "0123456789abcdef", "fedcba9876543210"
	for _, test := range []struct {
		name string
		s    site
		want bool
	}{
		{"katacert-r1-" + tag, site{run: "r1", tag: tag}, true},
		{"katacert-r1-" + tag, site{run: "r1"}, true},
		{"katacert-r1-" + other, site{run: "r1", tag: tag}, false},
		{"katacert-r1-x-" + tag, site{run: "r1"}, false},
		{"katacert-r1-" + tag + "0", site{run: "r1"}, false},
		{"katacert-r1", site{run: "r1"}, false},
		{"katacert-r1-0123456789ABCDEF", site{run: "r1"}, false},
	} {
		if got := test.s.owns(test.name); got != test.want {
			t.Errorf("site %+v owns %s: %v", test.s, test.name, got)
		}
	}
}

func TestParseStartTime(t *testing.T) {
	const stat = "4242 (a) S (b) S 1 4242 4242 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 987654 1000 10 18446744073709551615 1 1 0"
	if got, err := parseStartTime(stat); err != nil || got != 987654 {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := parseStartTime("1 (x) S 1"); err == nil {
		t.Error("no error for a line that is cut off")
	}
}

func TestReadOrderRefuses(t *testing.T) {
	for _, text := range []string{"", "{", `{"run":"r1"}`, `{"run":"../x","host_root":"/host","seed":"AAAA"}`} {
		if s, err := readOrder(bytes.NewBufferString(text)); err == nil {
			t.Errorf("order %q gave site %+v", text, s)
		}
	}
}

// await waits for a condition that another process or the kernel brings about.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(goneWithin)
	for !done() {
		select {
		case <-time.After(goneEvery):
		case <-deadline:
			t.Fatalf("waited %v for %s", goneWithin, what)
		}
	}
}
