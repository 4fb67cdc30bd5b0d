package platform

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The Go shim keeps the state of a sandbox whose monitor is not root's below the
// monitor's user's runtime folder. What that user wrote there itself is not believed.
func TestStateOfARootlessMonitor(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("gives files to other users, which takes root")
	}
	const id, state = "7613ef", `{"HypervisorState":{"Type":"qemu","Pid":766},"AgentState":{"URL":"vsock://557:1024"},"Config":{"HypervisorConfig":{"KernelPath":"/opt/kata/vmlinux"}}}`
	for name, c := range map[string]struct {
		folder string
		owner  int
		want   []string
	}{
		"as root":                       {"run/vc/sbs", 0, []string{"/opt/kata/vmlinux"}},
		"as a user":                     {"run/user/1000/run/vc/sbs", 0, []string{"/opt/kata/vmlinux"}},
		"written by the monitor's user": {"run/user/1000/run/vc/sbs", 1000, nil},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			path := filepath.Join(root, c.folder, id, "persist.json")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(state), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(path, c.owner, c.owner); err != nil {
				t.Fatal(err)
			}
			if got := readState(root, id); !slices.Equal(got.images, c.want) {
				t.Errorf("started from %v, want %v", got.images, c.want)
			}
		})
	}
	if got := readState(t.TempDir(), "*"); got.images != nil || got.pids != nil {
		t.Errorf("a pattern for an id: %+v", got)
	}
}
