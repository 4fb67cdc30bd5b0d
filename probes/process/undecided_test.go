package process

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/evidence"
)

// A way that ended for its time is no refusal, whatever became of the other one.
func TestAWayThatDidNotEndDecidesNothing(t *testing.T) {
	slow := fmt.Errorf("read the kernel log by syslog: no end within 1s")
	refusal, missing := fmt.Errorf("open /dev/kmsg: %w", unix.EPERM), fmt.Errorf("open /dev/kmsg: %w", unix.ENOENT)
	for _, test := range []struct {
		name     string
		failures []error
		decided  bool
	}{
		{"none failed", []error{nil, nil}, true},
		{"refused and missing", []error{refusal, missing}, true},
		{"one did not end", []error{slow, nil}, false},
		{"one did not end, the other was refused", []error{refusal, slow}, false},
	} {
		if o := undecided(test.failures); (o == nil) != test.decided || o != nil && o.State != evidence.Failed {
			t.Errorf("%s: %+v", test.name, o)
		}
	}
}
