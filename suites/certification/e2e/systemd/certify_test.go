//go:build e2e

package systemd

import (
	"encoding/json"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

// certify is a short certification with time-outs for an emulated machine.
const certify = "katacert certify --profile quick --runtime-class gvisor --timeout-scale 10 --out /root/reports"

// TestSystemd does in one machine all that users do on theirs, and looks after
// each step whether anything is left.
func TestSystemd(t *testing.T) {
	m := boot(t)
	t.Run("doctor", func(t *testing.T) { t.Log(m.must(t, "katacert doctor")) })
	for _, step := range []struct {
		name string
		test func(*testing.T, *machine)
	}{
		{"gVisor is certified", certifies},
		{"a certification is killed", killed},
		{"the unit that a cluster belongs to stops", stopped},
	} {
		passed := t.Run(step.name, func(t *testing.T) {
			step.test(t, m)
			m.requireAsItWas(t)
		})
		if !passed {
			return // what the step left would be blamed on the next one
		}
	}
}

func certifies(t *testing.T, m *machine) {
	code, output := m.run(t, certify+" --output json 2>/root/messages")
	if code != 0 {
		t.Fatalf("exit code %d:\n%s\n%s", code, output, m.must(t, "cat /root/messages"))
	}
	var report reports.Report
	if err := json.Unmarshal([]byte(output), &report); err != nil {
		t.Fatalf("%v in\n%s", err, output)
	}
	passed := 0
	for _, v := range report.Verdicts {
		switch v.Result {
		case judge.Invalid, judge.Error:
			t.Errorf("%s is %s: %s", v.Control, v.Result, v.Reason)
		case judge.Pass:
			passed++
		}
	}
	if report.Outcome != reports.Certified || passed == 0 {
		t.Errorf("the outcome is %q with %d passes", report.Outcome, passed)
	}
}

func killed(t *testing.T, m *machine) {
	m.must(t, "setsid "+certify+" --name killed >/root/killed 2>&1 & echo $! >/root/pid")
	if _, held := m.await(t, "grep -q 'gvisor: look' /root/killed || ! kill -0 $(cat /root/pid)", 600); !held {
		t.Fatal(m.must(t, "cat /root/killed"))
	}
	m.must(t, "kill -KILL $(cat /root/pid) || cat /root/killed")
}

// stopped starts a cluster in a unit of its own and stops the unit, with the
// unit's default KillMode, which ends its processes and no others.
func stopped(t *testing.T, m *machine) {
	m.must(t, "systemd-run --quiet --unit=owner --property=RemainAfterExit=yes --setenv=HOME=/root --setenv=XDG_CACHE_HOME=$XDG_CACHE_HOME "+
		"$(command -v katacert) cluster up --name owned --timeout-scale 10")
	m.await(t, `[ "$(systemctl show --property=SubState --value owner)" != running ]`, 600)
	if code, output := m.run(t, "katacert cluster status | grep 'owned *ready' && systemctl stop owner"); code != 0 {
		_, status := m.run(t, "systemctl status --no-pager --full owner")
		t.Fatalf("exit code %d: %s\n%s", code, output, status)
	}
}
