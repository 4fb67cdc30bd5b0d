package certification

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestOwnerRoundTrip(t *testing.T) {
	this := thisProcess()
	got, ok := parseProcess(this.String())
	if !ok || got != this {
		t.Errorf("%q is read as %+v, %t; want %+v", this, got, ok, this)
	}
	if !strings.Contains(this.machine, ",pid:[") || this.start == "" || this.pid != strconv.Itoa(os.Getpid()) {
		t.Errorf("this process is %+v", this)
	}
}

func TestOwnerParsing(t *testing.T) {
	for _, text := range []string{"", "/", "a/b", "a/b/c/d", "boot/../../etc/passwd/1"} {
		if got, ok := parseProcess(text); ok || got != (process{}) {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestOwnerDead(t *testing.T) {
	this := thisProcess()
	ended := this
	ended.pid, ended.start = endedProcess(t)
	for _, test := range []struct {
		name  string
		owner process
		dead  bool
	}{
		{"this process", this, false},
		{"a process that ended", ended, true},
		{"a pid that another process has now", process{this.machine, this.pid, this.start + "1"}, true},
		{"another machine, or an earlier boot", process{"11111111-2222-4333-8444-555555555555,pid:[4026531836]", ended.pid, ended.start}, false},
		{"another container of this machine", process{strings.Split(this.machine, ",")[0] + ",pid:[1]", ended.pid, ended.start}, false},
		{"nothing is known of it", process{}, false},
	} {
		if got := test.owner.dead(); got != test.dead {
			t.Errorf("%s: dead %t, want %t", test.name, got, test.dead)
		}
	}
}

// endedProcess returns pid and start of a process that ran and ended.
func endedProcess(t *testing.T) (pid, start string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// No test has this name, so the process ends by itself.
	child := exec.Command(self, "-test.run=^$")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid = strconv.Itoa(child.Process.Pid)
	start = startOf(pid)
	if start == "" {
		t.Fatalf("process %s runs, or waits to be reaped, and has no start", pid)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	return pid, start
}
