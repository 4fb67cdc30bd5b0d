package reports_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/sample"
)

// smallDisk tells the test below that it runs in a mount namespace of its own,
// and where it may mount.
const smallDisk = "KATACERT_TEST_SMALL_DISK"

func TestWriteOnAFullDisk(t *testing.T) {
	if dir := os.Getenv(smallDisk); dir != "" {
		writeOnAFullDisk(t, dir)
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^TestWriteOnAFullDisk$", "-test.v")
	again.Env = append(os.Environ(), smallDisk+"="+t.TempDir())
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := again.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		t.Fatalf("%s", out)
	case err != nil:
		t.Skipf("no user namespace to mount a small disk in: %v", err)
	case !strings.Contains(string(out), "--- PASS"):
		t.Fatalf("the test did not run:\n%s", out)
	}
}

func writeOnAFullDisk(t *testing.T, dir string) {
	// Room for all formats but the page and OSCAL.
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=40k"); err != nil {
		t.Fatalf("mount a small disk on %s: %v", dir, err)
	}
	files, err := reports.Write(dir, sample.Sandboxed())
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the error is %v, want that of a full disk", err)
	}
	for _, want := range []string{"report.html", "free some space", "--format html"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if len(files) != 4 {
		t.Errorf("wrote %v, want the four small formats", files)
	}
	if got, want := names(t, dir), []string{"ctrf.json", "junit.xml", "report.json", "summary.md"}; !slices.Equal(got, want) {
		t.Errorf("the disk holds %v, want %v: complete files and no half ones", got, want)
	}
	if _, err := reports.Read(dir); err != nil {
		t.Errorf("what was kept cannot be read: %v", err)
	}
}
