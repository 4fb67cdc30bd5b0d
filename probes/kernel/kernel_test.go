package kernel

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// observe runs the group for real on this machine and returns what each probe
// of the round saw.
func observe(t *testing.T, vantage evidence.Vantage, round evidence.Round) map[string]evidence.Observation {
	t.Helper()
	ctx := &probes.Context{Run: "test", Vantage: vantage, Round: round}
	if vantage == evidence.Witness {
		ctx.HostRoot, ctx.Seed = "/", []byte("seed of a test")
	}
	observations, _ := probes.Run(ctx, Probes())
	byID := map[string]evidence.Observation{}
	for _, o := range observations {
		if _, twice := byID[o.Probe]; twice {
			t.Errorf("probe %s observed twice in round %s", o.Probe, round)
		}
		if o.State == evidence.Failed {
			t.Errorf("probe %s failed: %s %s", o.Probe, o.Errno, o.Detail)
		}
		byID[o.Probe] = o
	}
	return byID
}

func TestWitnessLooks(t *testing.T) {
	saw := observe(t, evidence.Witness, evidence.Look)
	for _, id := range []string{"boot-id", "vdso", "kernel-notes", "uname", "vmcoreinfo", "boot-time", "counters", "cmdline", "cpuid"} {
		if _, ok := saw[id]; !ok {
			t.Errorf("probe %s did not run", id)
		}
	}
	if _, ok := saw["burn"]; ok {
		t.Error("the witness burned CPU time; only the reference and the subject do")
	}
	bootID, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Skip("no boot id on this machine")
	}
	if got, _ := saw["boot-id"].Values.Text("boot_id"); got != strings.TrimSpace(string(bootID)) {
		t.Errorf("boot-id saw %q, the file holds %q", got, bootID)
	}
	if release, _ := saw["uname"].Values.Text("release"); release == "" {
		t.Error("uname saw no release")
	}
	if o := saw["vdso"]; runtime.GOARCH == "amd64" && o.State == evidence.Seen {
		if id, _ := o.Values.Text("build_id"); len(id) != 40 {
			t.Errorf("the vDSO's build id %q has no 40 digits", id)
		}
	}
}

func TestBootTimeAgreesWithTheClocks(t *testing.T) {
	saw := observe(t, evidence.Witness, evidence.Look)["boot-time"]
	epoch, _ := saw.Values.Number("boot_epoch_ns")
	uptime, _ := saw.Values.Number("boottime_ns")
	now := time.Unix(0, epoch+uptime)
	if off := time.Since(now).Abs(); off > time.Minute {
		t.Errorf("boot time plus time since boot is %s, %s off", now, off)
	}
	again, _ := observe(t, evidence.Witness, evidence.LookAgain)["boot-time"].Values.Number("boot_epoch_ns")
	if moved := time.Duration(again - epoch).Abs(); moved > time.Second {
		t.Errorf("the boot time moved by %s between two readings", moved)
	}
}

func TestWitnessMovesCounters(t *testing.T) {
	o := observe(t, evidence.Witness, evidence.Act)["counters"]
	if o.State != evidence.Seen {
		t.Skipf("no counters on this machine: %s", o.Detail)
	}
	before, _ := o.Values.Number("processes_before")
	after, _ := o.Values.Number("processes")
	forked, _ := o.Values.Number("forked")
	if forked != forks || after-before < forked {
		t.Errorf("forked %d of %d, the node counts %d more processes", forked, forks, after-before)
	}
	emitted, _ := o.Values.Number("emitted")
	if o.Detail != "" {
		if os.Getuid() == 0 && unix.Access(nullUevent, unix.W_OK) == nil {
			t.Errorf("emitted %d of %d uevents: %s", emitted, uevents, o.Detail)
		}
		return
	}
	ueventBefore, _ := o.Values.Number("uevent_seqnum_before")
	ueventAfter, _ := o.Values.Number("uevent_seqnum")
	if emitted != uevents || ueventAfter-ueventBefore < emitted {
		t.Errorf("emitted %d of %d uevents, the node counts %d more", emitted, uevents, ueventAfter-ueventBefore)
	}
}

// The subject leaves its own sign in the page cache, and nothing else.
func TestOnlyTheWitnessActs(t *testing.T) {
	for _, round := range []evidence.Round{evidence.Act, evidence.Settle} {
		saw := observe(t, evidence.Subject, round)
		if round == evidence.Act {
			delete(saw, "page-cache")
		}
		if len(saw) != 0 {
			t.Errorf("the subject observed %v in round %s", saw, round)
		}
	}
}

func TestBurnUsesWhatItReports(t *testing.T) {
	for vantage, round := range map[evidence.Vantage]evidence.Round{
		evidence.Reference: evidence.Look,
		evidence.Subject:   evidence.LookAgain,
	} {
		var before, after unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &before); err != nil {
			t.Fatal(err)
		}
		o, ok := observe(t, vantage, round)["burn"]
		if err := unix.Getrusage(unix.RUSAGE_SELF, &after); err != nil {
			t.Fatal(err)
		}
		if !ok || o.State != evidence.Seen {
			t.Fatalf("%s in round %s: got %+v", vantage, round, o)
		}
		reported, _ := o.Values.Number("cpu_us")
		used := (after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()) / 1000
		if reported < burnNanos/1000 || used < reported*9/10 {
			t.Errorf("%s: reported %d us of CPU time, the process used %d us", vantage, reported, used)
		}
	}
}
