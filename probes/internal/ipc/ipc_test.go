package ipc

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestQueueIsListedReadAndUnlinked(t *testing.T) {
	name := fmt.Sprintf("/katacert-ipc-test-%d", os.Getpid())
	if err := CreateQueue(name, "message"); errors.Is(err, unix.ENOSYS) {
		t.Skip("this kernel has no message queues")
	} else if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = UnlinkQueue(name) }()
	if err := CreateQueue(name, "message"); !errors.Is(err, unix.EEXIST) {
		t.Errorf("made twice: %v", err)
	}
	for range 2 {
		if there, err := HoldsMessage(name, len("message")); !there || err != nil {
			t.Errorf("%v, %v", there, err)
		}
	}
	if there, err := HoldsMessage(name, 1); there || err != nil {
		t.Errorf("of another size: %v, %v", there, err)
	}
	if names, err := Queues(); err != nil {
		t.Logf("queues cannot be listed here: %v", err)
	} else if !slices.Contains(names, name) {
		t.Errorf("%q without %s", names, name)
	}
	if err := UnlinkQueue(name); err != nil {
		t.Fatal(err)
	}
	if _, err := HoldsMessage(name, len("message")); !errors.Is(err, unix.ENOENT) {
		t.Errorf("after unlink: %v", err)
	}
}

func TestSegmentIsFoundByContentAndMarkedForRemoval(t *testing.T) {
	content := fmt.Sprintf("katacert-ipc-test-%d", os.Getpid())
	id, err := PlantSegment(content)
	if errors.Is(err, unix.ENOSYS) {
		t.Skip("this kernel has no shared memory")
	} else if err != nil {
		t.Fatal(err)
	}
	found, ok, err := FindSegment(len(content), func(text string) bool { return text == content })
	if !ok || found != id || err != nil {
		t.Errorf("planted %d, found %d %v, %v", id, found, ok, err)
	}
	if _, ok, err := FindSegment(len(content), func(text string) bool { return text == strings.ToUpper(content) }); ok || err != nil {
		t.Errorf("other content: %v, %v", ok, err)
	}
	// shm_perm.mode has SHM_DEST (01000) from then on.
	var descriptor unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &descriptor); err != nil || descriptor.Perm.Mode&0o1000 == 0 {
		t.Errorf("mode %o, %v", descriptor.Perm.Mode, err)
	}
}
