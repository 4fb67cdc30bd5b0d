//go:build e2e

package systemd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/katacert/katacert/fixtures/cluster/local/toolchain"
	"github.com/katacert/katacert/fixtures/vm"
)

const (
	// stepTimeout is for one script in the machine, a whole certification at most.
	// On a busy machine it takes several times the five minutes of an idle one.
	stepTimeout = 25 * time.Minute
	// settleSeconds is how long the machine may take to be as it was.
	settleSeconds = 60

	// environment is that of every katacert in the machine.
	environment = "XDG_CACHE_HOME=" + vm.MachineFiles + "/cache PATH=$PATH:" + vm.MachineFiles + "/bin"
)

// files makes the folder that the machine is shown: katacert, the programs of
// its images, and those of the local cluster. The machine needs no compiler.
func files(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := func(out string, args ...string) {
		if err := os.MkdirAll(out, 0o755); err != nil {
			t.Fatal(err)
		}
		// The Makefile's flags, so that compiled packages are shared.
		argv := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out + "/"}, args...)
		cmd := exec.Command("go", argv...)
		cmd.Dir, cmd.Env, cmd.Stderr = "../../../..", append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("build %v: %v", args, err)
		}
	}
	build(filepath.Join(dir, "bin"), "-gcflags=all=-dwarf=false", "./cmd/katacert")
	build(filepath.Join(dir, "bin/payload/linux-amd64"), "./cmd/probe", "./cmd/pause", "./cmd/trainer")
	tools, err := toolchain.Ensure(t.Context(), func(p toolchain.Progress) { fmt.Fprintln(os.Stderr, p) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "cache/katacert/toolchain", filepath.Base(tools.Dir)), os.DirFS(tools.Dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// machine is the emulated one.
type machine struct {
	*vm.Machine
	// asItWas is what look printed before anything was done.
	asItWas string
}

func boot(t *testing.T) *machine {
	t.Helper()
	started := time.Now()
	m, err := vm.BootMachine(t.Context(), vm.MachineOptions{Files: files(t), MemoryMiB: 8192, Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	t.Logf("the machine is up after %v", time.Since(started).Round(time.Second))
	booted := &machine{Machine: m}
	booted.asItWas = booted.must(t, look)
	return booted
}

// run runs a script with katacert in its PATH.
func (m *machine) run(t *testing.T, script string) (code int, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	result, err := m.Run(ctx, "export "+environment+"\n"+script)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v: %s", result.Duration.Round(time.Millisecond), script)
	return result.ExitCode, result.Stdout
}

// must is run for scripts that end with 0.
func (m *machine) must(t *testing.T, script string) string {
	t.Helper()
	code, output := m.run(t, script)
	if code != 0 {
		t.Fatalf("exit code %d of %s:\n%s", code, script, output)
	}
	return output
}

// await waits in the machine until a condition holds.
func (m *machine) await(t *testing.T, condition string, seconds int) (output string, held bool) {
	t.Helper()
	code, output := m.run(t, fmt.Sprintf("for second in $(seq %d); do if { %s; }; then exit 0; fi; sleep 1; done; exit 1", seconds, condition))
	return output, code == 0
}

// look prints everything that a cluster could leave on the machine.
const look = `cat /sys/fs/cgroup/cgroup.subtree_control
find /sys/fs/cgroup -maxdepth 2 -name 'katacert*'
cut -d' ' -f3- /proc/self/mountinfo | sort
ip -brief address; ip route; ip rule
cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops /proc/sys/net/ipv4/ip_forward
losetup --list --noheadings
systemctl list-units --all --no-legend 'katacert*' 'owner*'
pgrep --full --list-full '__local-cluster|/run/katacert/|runsc|containerd|/probe '
find /root/.local/state/katacert/clusters -mindepth 1 2>/dev/null
true`

// requireAsItWas waits until the machine is as it was before.
func (m *machine) requireAsItWas(t *testing.T) {
	t.Helper()
	m.must(t, "cat >/root/as-it-was <<'END'\n"+m.asItWas+"END\ncat >/root/look <<'END'\n"+look+"\nEND")
	if output, held := m.await(t, "sh /root/look 2>&1 | diff /root/as-it-was - >/root/difference", settleSeconds); !held {
		t.Errorf("after %d s the machine is not as it was: %s\n%s", settleSeconds, output, m.must(t, "cat /root/difference"))
	}
}
