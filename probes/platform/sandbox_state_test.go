package platform

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Both shims keep the state of a sandbox whose monitor is not root's below the monitor's
// user's runtime folder, and runtime-rs that of a jailed one in its jail. What that user
// wrote there itself is not believed.
func TestStateOfARootlessMonitor(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("gives files to other users, which takes root")
	}
	const (
		id     = "7613ef"
		ofGo   = `{"HypervisorState":{"Type":"qemu","Pid":766},"AgentState":{"URL":"vsock://557:1024"},"Config":{"HypervisorConfig":{"KernelPath":"/opt/kata/vmlinux"}}}`
		ofRust = `{"hypervisor":{"hypervisor_type":"qemu","pid":766,"config":{"kernel":"/opt/kata/vmlinux"}}}`
	)
	started := []string{"/opt/kata/vmlinux"}
	for name, c := range map[string]struct {
		file, state string
		owner       int
		want        []string
	}{
		"Go shim, as root":                       {"run/vc/sbs/7613ef/persist.json", ofGo, 0, started},
		"Go shim, as a user":                     {"run/user/1000/run/vc/sbs/7613ef/persist.json", ofGo, 0, started},
		"Go shim, written by the monitor's user": {"run/user/1000/run/vc/sbs/7613ef/persist.json", ofGo, 1000, nil},
		"runtime-rs, as root":                    {"run/kata/7613ef/state.json", ofRust, 0, started},
		"runtime-rs, as a user":                  {"run/user/1000/run/kata/7613ef/state.json", ofRust, 0, started},
		"runtime-rs, written by that user":       {"run/user/1000/run/kata/7613ef/state.json", ofRust, 1000, nil},
		"runtime-rs, jailed":                     {"run/kata/firecracker/7613ef/root/state.json", ofRust, 0, started},
		"runtime-rs, written in the jail":        {"run/kata/firecracker/7613ef/root/state.json", ofRust, 1000, nil},
		"another sandbox's":                      {"run/kata/7613e0/state.json", ofRust, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			path := filepath.Join(root, c.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(c.state), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(path, c.owner, c.owner); err != nil {
				t.Fatal(err)
			}
			if got := readState(root, id); !slices.Equal(got.images, c.want) {
				t.Errorf("started from %v, want %v", got.images, c.want)
			}
			if c.want != nil && !slices.Contains(readState(root, id).pids, 766) {
				t.Error("the monitor's process is not told")
			}
		})
	}
	if got := readState(t.TempDir(), "*"); got.images != nil || got.pids != nil {
		t.Errorf("a pattern for an id: %+v", got)
	}
}
