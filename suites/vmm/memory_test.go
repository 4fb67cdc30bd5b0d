package vmm_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// QEMU maps the kernel and the initrd that it loads, in files that everybody may read
// as is right for them: seen on a real Kata with a kernel of 50 MB. They are no memory
// of the guest, unless the guest's writes go into them.
func TestWhatAGuestStartsFromIsNotItsMemory(t *testing.T) {
	const initrd = "/opt/kata/share/kata-containers/kata-containers-initrd.img"
	for name, test := range map[string]struct {
		mapping string
		want    judge.Result
	}{
		"the initrd, mapped to be loaded":    {"perms=rw-p mergeable=0 path=" + initrd + " named=1 mode=0644 owner=0", judge.Pass},
		"the initrd, as what the guest uses": {"perms=rw-s mergeable=0 path=" + initrd + " named=1 mode=0644 owner=0", judge.Fail},
		"a file that is nothing of Kata's":   {"perms=rw-p mergeable=0 path=/tmp/memory named=1 mode=0644 owner=0", judge.Fail},
	} {
		recording, records := recorded(t, recordings.GoShim)
		added := false
		for _, record := range records {
			for i := range record.Observations {
				o := &record.Observations[i]
				memory, ok := o.Values.List("memory")
				if !ok || record.Vantage != evidence.Witness {
					continue
				}
				for _, line := range memory {
					if pid, rest, _ := strings.Cut(line, " "); strings.HasPrefix(rest, "role=vmm ") {
						o.Values["memory"], added = evidence.List(append(memory, pid+" role=vmm kib=51996 "+test.mapping)...), true
						break
					}
				}
			}
		}
		if !added {
			t.Fatal("the recording tells of no memory of a monitor")
		}
		if v := judged(t, recording, records)["memory-sharing"]; v.Result != test.want {
			t.Errorf("%s: %s (%s)", name, v.Result, v.Reason)
		}
	}
}
