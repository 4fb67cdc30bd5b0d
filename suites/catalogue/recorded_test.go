package catalogue_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// recordedSession is a real session: Debian's kernel in a virtual machine under
// QEMU against the machine that it ran on, without Kubernetes or containers.
const recordedSession = "../judge/testdata/debian-guest-under-qemu.jsonl"

func recording(t *testing.T) []evidence.Record {
	t.Helper()
	records, err := readRecording()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func readRecording() ([]evidence.Record, error) {
	data, err := os.ReadFile(recordedSession)
	if err != nil {
		return nil, err
	}
	var records []evidence.Record
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data))
	for lines.Scan() {
		strict := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		strict.DisallowUnknownFields()
		var r evidence.Record
		if err := strict.Decode(&r); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, lines.Err()
}

// shown are the controls that this session must prove; the others depend on the
// hardware of the machine or need a cluster.
var shown = []string{
	"kernel-boot-id", "kernel-boot-time", "kernel-counters", "kernel-vmcoreinfo", "kernel-vdso-build-id", "kernel-notes-build-id",
	"kernel-release", "kernel-cmdline", "vm-binding", "fs-canary-walk", "fs-leaked-descriptor", "blk-loop-canary", "dev-kvm-vhost-vfio",
	"proc-planted", "proc-interrupts", "dmesg-token", "cgroup-count", "ipc-token", "net-abstract-socket", "host-load",
}

func TestRecordedGuestIsIsolated(t *testing.T) {
	verdicts := catalogue.JudgeAll(controls(), judge.Gather(recording(t)))
	for _, c := range controls() {
		v := verdicts[c.ID]
		must := slices.Contains(shown, c.ID)
		if must && v.Result != judge.Pass {
			t.Errorf("%s: %s (%s), want pass", c.ID, v.Result, v.Reason)
		}
		if !must && v.Result == judge.Fail && c.Level == catalogue.Isolation {
			t.Errorf("%s: fail (%s)", c.ID, v.Reason)
		}
	}
	// The guest's probe is its init and has every privilege there is.
	if v := verdicts["priv-posture"]; v.Result != judge.Fail {
		t.Errorf("priv-posture of a guest's init: %s (%s), want fail", v.Result, v.Reason)
	}
}

// The same session with a process of the machine itself in the guest's place.
func TestRecordedProcessIsNot(t *testing.T) {
	var records []evidence.Record
	for _, r := range recording(t) {
		if r.Vantage == evidence.Subject {
			continue
		}
		records = append(records, r)
		if r.Vantage == evidence.Reference {
			r.Vantage = evidence.Subject
			records = append(records, r)
		}
	}
	verdicts := catalogue.JudgeAll(controls(), judge.Gather(records))
	for _, c := range controls() {
		if !slices.Contains(shown, c.ID) || c.ID == "fs-leaked-descriptor" || c.ID == "vm-binding" {
			continue // the process leaks nothing, and did not burn in the subject's round
		}
		if v := verdicts[c.ID]; v.Result != judge.Fail {
			t.Errorf("%s: %s (%s), want fail", c.ID, v.Result, v.Reason)
		}
	}
}

// The same session with a guest that runs the machine's own build of a kernel.
func TestRecordedGuestOfTheSameBuild(t *testing.T) {
	records := recording(t)
	node := map[string]evidence.Observation{}
	for _, r := range records {
		if r.Vantage == evidence.Witness && r.Round == evidence.Look {
			for _, o := range r.Observations {
				node[o.Probe] = o
			}
		}
	}
	for _, r := range records {
		if r.Vantage != evidence.Subject || r.Round != evidence.Look {
			continue
		}
		for i, o := range r.Observations {
			if slices.Contains([]string{"vdso", "kernel-notes", "uname"}, o.Probe) {
				r.Observations[i] = node[o.Probe]
			}
		}
	}
	verdicts := catalogue.JudgeAll(controls(), judge.Gather(records))
	for _, id := range builds {
		if v := verdicts[id]; v.Result != judge.NotApplicable || !strings.Contains(v.Reason, "same kernel build") {
			t.Errorf("%s: %s (%s), want not-applicable", id, v.Result, v.Reason)
		}
	}
	if v := verdicts["kernel-boot-id"]; v.Result != judge.Pass {
		t.Errorf("kernel-boot-id: %s (%s), want pass", v.Result, v.Reason)
	}
}
