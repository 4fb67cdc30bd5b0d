package gpunode

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// driverOf reads the driver's files below a root.
func driverOf(t *testing.T, root, version, release string) (lines, unread []string) {
	t.Helper()
	dir, err := os.OpenFile(root, unix.O_DIRECTORY|unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	f := &files{root: dir}
	return f.driver(version, release), f.unread
}

func TestDriverFilesAreHashed(t *testing.T) {
	sum := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	root := t.TempDir()
	write(t, root, "lib/modules/6.8.0/modules.dep", "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko\nupdates/dkms/nvidia.ko.zst:\nupdates/dkms/nvidia-uvm.ko.zst: updates/dkms/nvidia.ko.zst\n")
	write(t, root, "lib/modules/6.8.0/updates/dkms/nvidia.ko.zst", "module")
	write(t, root, "lib/modules/6.5.0/modules.dep", "updates/dkms/nvidia.ko:\n")
	write(t, root, "lib/modules/6.5.0/updates/dkms/nvidia.ko", "an older kernel's")
	write(t, root, "usr/lib/x86_64-linux-gnu/libcuda.so.570.1", "library")
	write(t, root, "usr/lib/x86_64-linux-gnu/libcuda.so.535.9", "an older driver's")
	write(t, root, "run/nvidia/driver/usr/lib64/libcuda.so.570.1", "the operator's")
	want := []string{
		"role=module path=/lib/modules/6.8.0/updates/dkms/nvidia.ko.zst bytes=6 sha256=" + sum("module"),
		"role=library path=/usr/lib/x86_64-linux-gnu/libcuda.so.570.1 bytes=7 sha256=" + sum("library"),
		"role=library path=/run/nvidia/driver/usr/lib64/libcuda.so.570.1 bytes=14 sha256=" + sum("the operator's"),
	}
	if got, unread := driverOf(t, root, "570.1", "6.8.0"); !slices.Equal(got, want) || len(unread) > 0 {
		t.Errorf("got %q (unread %q), want %q", got, unread, want)
	}
	if got, _ := driverOf(t, root, "", "6.8.0"); got != nil {
		t.Errorf("without a driver that is loaded: %q", got)
	}
}

func TestDriverFilesThatAreNoFiles(t *testing.T) {
	root := t.TempDir()
	write(t, root, "usr/lib64/libcuda.so.570.1/folder", "")
	got, unread := driverOf(t, root, "570.1", "6.8.0")
	if len(got) > 0 || len(unread) != 1 || !strings.Contains(unread[0], "no regular file") {
		t.Errorf("got %q, unread %q", got, unread)
	}
}
