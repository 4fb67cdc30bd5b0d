//go:build e2e

// Package e2e tries gpu-test where there is no GPU: libraries that stand in for the
// driver's run its kernels on a block device. What is real are the processes, the
// containers of runc, and what is left in memory from one to the next. It needs root.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/fixtures/cluster/local/toolchain"
	"github.com/katacert/katacert/fixtures/command"
	"github.com/katacert/katacert/suites/gputest"
	"github.com/katacert/katacert/suites/judge"
)

const driver = "580.159.04"

// memory is the size of the device: two buffers of the bandwidth measurement.
const memory = 640 << 20

// site is a folder with the programs, the libraries and the device of one test.
type site struct {
	dir                         string
	programs, libraries, device string
}

func newSite(t *testing.T) site {
	t.Helper()
	dir := t.TempDir()
	s := site{dir: dir, programs: filepath.Join(dir, "programs"), libraries: filepath.Join(dir, "libraries")}
	for _, folder := range []string{s.programs, s.libraries} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, library := range []string{"libcuda", "libnvidia-ml"} {
		file := library + ".so." + driver
		do(t, "gcc", "-O2", "-Wall", "-Wextra", "-Wno-unused-result", "-shared", "-fPIC", "-Wl,-soname,"+library+".so.1",
			fmt.Sprintf("-DDRIVER=%q", driver), "-o", filepath.Join(s.libraries, file), "testdata/"+library+".c")
		if err := os.Symlink(file, filepath.Join(s.libraries, library+".so.1")); err != nil {
			t.Fatal(err)
		}
	}
	for program, cgo := range map[string]string{"gpu-probe": "1", "gpu-test": "0"} {
		do(t, "env", "CGO_ENABLED="+cgo, "go", "build", "-trimpath", "-buildvcs=false", "-o", s.programs+"/", "github.com/katacert/katacert/cmd/"+program)
	}
	built, err := toolchain.Ensure(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	do(t, "cp", filepath.Join(built.Bin(), "runc"), s.programs)
	image := filepath.Join(dir, "memory")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, memory); err != nil {
		t.Fatal(err)
	}
	s.device = strings.TrimSpace(do(t, "losetup", "--find", "--show", image))
	t.Cleanup(func() { do(t, "losetup", "--detach", s.device) })
	return s
}

func do(t *testing.T, argv ...string) string {
	t.Helper()
	// Clean-ups run when the test's own context has ended.
	result, err := command.Run(context.WithoutCancel(t.Context()), command.Command{Argv: argv})
	if err != nil {
		t.Fatal(err)
	}
	return result.Stdout
}

// inside makes device nodes of its own in a /dev that nobody else sees, and goes on
// as another program.
const inside = `set -e
mkdir "$1"; mount -t tmpfs dev "$1"
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$1"
mkdir "$1/pts" "$1/shm"
mknod -m 666 "$1/nvidia0" b "$2" "$3"
mknod -m 666 "$1/nvidiactl" c 1 3
mount --bind "$1" /dev
shift 3
exec "$@"`

// try runs gpu-test on the stand-in and returns what it reports.
func (s site) try(t *testing.T) (code int, report gputest.Report) {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Stat(s.device, &stat); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	result, err := command.Run(t.Context(), command.Command{Argv: []string{
		"unshare", "--mount", "sh", "-c", inside, "sh", filepath.Join(t.TempDir(), "dev"), fmt.Sprint(unix.Major(stat.Rdev)), fmt.Sprint(unix.Minor(stat.Rdev)),
		filepath.Join(s.programs, "gpu-test"), "--programs", s.programs, "--libraries", s.libraries, "--out", out, "--rounds", "1",
	}})
	data, failure := os.ReadFile(filepath.Join(out, "report.json"))
	if failure != nil {
		t.Fatalf("%v: %v", err, failure)
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	t.Log(result.Stdout)
	return result.ExitCode, report
}

// TestStandIn tries a driver that clears what it gives out, and then one that does
// not: every verdict on what is left in memory must turn.
func TestStandIn(t *testing.T) {
	s := newSite(t)
	code, report := s.try(t)
	if code != 3 { // nothing stands in for runsc
		t.Errorf("exit code %d with a place that could not be tried, want 3", code)
	}
	for _, row := range report.Results {
		for _, place := range []gputest.Place{gputest.Native, gputest.Runc} {
			if v := row.Verdicts[place]; v.Result != judge.Pass && v.Result != judge.NotApplicable {
				t.Errorf("sound: %s in %s: %s, %s", row.ID, place, v.Result, v.Reason)
			}
		}
		if v := row.Verdicts[gputest.Runsc]; v.Result == judge.Pass || v.Result == judge.Fail {
			t.Errorf("%s in a sandbox that was not there: %s", row.ID, v.Result)
		}
	}
	device, err := os.OpenFile(s.device, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := device.Write([]byte{1}); err != nil { // see testdata/libcuda.c
		t.Fatal(err)
	}
	if err := device.Close(); err != nil {
		t.Fatal(err)
	}
	code, report = s.try(t)
	if code != 1 {
		t.Errorf("exit code %d with a driver that leaks, want 1", code)
	}
	for _, row := range report.Results {
		for _, place := range []gputest.Place{gputest.Native, gputest.Runc} {
			want := row.Verdicts[place].Result == judge.Fail
			if leaks := strings.Contains(row.ID, "residue"); leaks != want {
				t.Errorf("leaking: %s in %s: %s, %s", row.ID, place, row.Verdicts[place].Result, row.Verdicts[place].Reason)
			}
		}
	}
	left, _ := filepath.Glob("/tmp/katacert-gpu-*")
	cgroups, _ := filepath.Glob("/sys/fs/cgroup/*/katacert-gpu-*")
	more, _ := filepath.Glob("/sys/fs/cgroup/katacert-gpu-*")
	if left = append(append(left, cgroups...), more...); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
