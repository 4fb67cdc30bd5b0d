package devices

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

func TestListVirtio(t *testing.T) {
	bus := t.TempDir()
	for name, id := range map[string]string{"virtio0": "0x0003\n", "virtio1": "0x001a\n", "virtio2": ""} {
		if err := os.MkdirAll(filepath.Join(bus, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if id == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(bus, name, "device"), []byte(id), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := listVirtio(bus).Values.List("devices")
	if want := []string{"virtio0 0003", "virtio1 001a", "virtio2 ?"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if o := listVirtio(filepath.Join(bus, "none")); o.State != evidence.Absent {
		t.Errorf("a kernel without the bus: %+v", o)
	}
}
