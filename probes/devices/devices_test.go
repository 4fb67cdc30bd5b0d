package devices

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

func TestParsePartitions(t *testing.T) {
	table, err := os.ReadFile("testdata/partitions.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{"vda": 12582912, "vda1": 12580830, "nvme0n1": 1875385008, "loop1": 8194}
	if got := parsePartitions(table); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestIdentifies(t *testing.T) {
	for id, want := range map[string]bool{
		"QM00005": true, "eui.0025385b01": true, "6f7a3c1e-94f5": true,
		"": false, "short": false, "000000000000": false, "0000-0000": false, "      ": false,
	} {
		if got := identifies(id); got != want {
			t.Errorf("identifies(%q) = %t, want %t", id, got, want)
		}
	}
}

// TestDeviceNodes holds that only character devices count, that the witness
// opens none, and that others report what became of opening.
func TestDeviceNodes(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"dev/vfio/devices"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "dev/kvm"), []byte("no device"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := filepath.Join(root, "dev/vhost-null")
	// The numbers of /dev/null: opening it is harmless.
	if err := unix.Mknod(node, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Skipf("this user may not make device nodes: %v", err)
	}
	o := deviceNodes(&probes.Context{Vantage: evidence.Witness, HostRoot: root})
	present, _ := o.Values.List("present")
	if want := []string{"/dev/vhost-null"}; !slices.Equal(present, want) {
		t.Errorf("the witness saw %v, want %v", present, want)
	}
	if _, ok := o.Values.List("opened"); ok {
		t.Error("the witness opened device nodes")
	}
	if errno := open(node); errno != 0 && errno != unix.EACCES {
		t.Errorf("opening a copy of /dev/null: %s", unix.ErrnoName(errno))
	}
	if errno := open(filepath.Join(root, "dev/none")); errno != unix.ENOENT {
		t.Errorf("opening what does not exist: got %s, want ENOENT", unix.ErrnoName(errno))
	}
}

// TestOnThisMachine runs every probe of the group for real as the witness.
func TestOnThisMachine(t *testing.T) {
	ctx := &probes.Context{Vantage: evidence.Witness, Round: evidence.Look, HostRoot: "/"}
	observations, _ := probes.Run(ctx, Probes())
	if len(observations) != 5 {
		t.Errorf("%d probes observed, want 5", len(observations))
	}
	for _, o := range observations {
		if o.State == evidence.Failed {
			t.Errorf("probe %s failed: %s %s", o.Probe, o.Errno, o.Detail)
		}
	}
}

// TestPartitionsAgreeWithTheKernel compares sizes with what the device itself
// says, for every disk that this user may open.
func TestPartitionsAgreeWithTheKernel(t *testing.T) {
	o := partitions(&probes.Context{})
	if o.State != evidence.Seen {
		t.Skipf("no partitions on this machine: %s", o.Detail)
	}
	entries, _ := o.Values.List("entries")
	checked := 0
	for _, entry := range entries {
		var name string
		var sectors int64
		if _, err := fmt.Sscanf(entry, "%s %d", &name, &sectors); err != nil {
			t.Fatalf("entry %q: %v", entry, err)
		}
		device, err := os.Open("/dev/" + name)
		if err != nil {
			continue
		}
		size, err := device.Seek(0, 2)
		_ = device.Close()
		if err != nil {
			continue
		}
		checked++
		if size != sectors*512 {
			t.Errorf("%s: the probe saw %d sectors, the device has %d bytes", name, sectors, size)
		}
	}
	t.Logf("%d of %d devices compared", checked, len(entries))
}
