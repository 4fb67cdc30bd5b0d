package special

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNodesLastForAnInstant(t *testing.T) {
	folder := t.TempDir()
	called := ""
	// The numbers of /dev/null: opening it is harmless.
	err := in([]string{folder + "/none", folder}, unix.S_IFCHR, unix.Mkdev(1, 3), func(path string) error {
		called = path
		return Open(path)
	})
	if errors.Is(err, unix.EPERM) && called == "" {
		t.Skip("this user may not make device nodes")
	}
	if err != nil && !errors.Is(err, unix.EACCES) { // EACCES: the file system is mounted nodev
		t.Errorf("a copy of /dev/null: %v", err)
	}
	if called == "" {
		t.Fatal("no node was made")
	}
	if _, err := os.Lstat(called); !os.IsNotExist(err) {
		t.Errorf("the node %s is still there: %v", called, err)
	}
	failure := errors.New("no")
	if err := in([]string{folder}, unix.S_IFCHR, unix.Mkdev(1, 3), func(string) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("the error of use is lost: %v", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := in([]string{folder + "/none"}, unix.S_IFCHR, unix.Mkdev(1, 3), Open); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a node where there is no folder: %v", err)
	}
}
