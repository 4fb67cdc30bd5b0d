package privilege

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

func TestMasksAreToldFromWhatTheyCover(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{"empty", "full/inside"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(dir, "full"): nil, filepath.Join(dir, "file"): nil,
		filepath.Join(dir, "empty"): errMasked, "/dev/null": errMasked,
		filepath.Join(dir, "missing"): fs.ErrNotExist, filepath.Join(dir, "link"): unix.ELOOP,
	} {
		if got := readable(path); !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestWritableIsWhatOpensForWriting(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"none/constant": 0o444, "some/below/setting": 0o644, "some/a-constant": 0o444} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("kept"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"some": "some/below/setting", "some/below/setting": "some/below/setting", "none": ""} {
		found, err := writable(filepath.Join(dir, name))
		if want == "" && !errors.Is(err, errNothing) || want != "" && (err != nil || found != filepath.Join(dir, want)) {
			t.Errorf("%s: %q, %v; want %q", name, found, err, want)
		}
	}
	if kept, err := os.ReadFile(filepath.Join(dir, "some/below/setting")); err != nil || string(kept) != "kept" {
		t.Errorf("the file holds %q (%v)", kept, err)
	}
	if _, err := writable(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// Everything is shut under the masks and read-only mounts of a runtime, made in
// a mount namespace of the test's own. The thread that works there ends with the
// goroutine, and the namespace with it.
func TestCoveredPathsUnderMasks(t *testing.T) {
	type outcome struct {
		o   evidence.Observation
		err error
	}
	got := make(chan outcome)
	go func() {
		runtime.LockOSThread()
		err := cover()
		got <- outcome{coveredPaths(&probes.Context{}), err}
	}()
	covered := <-got
	if errors.Is(covered.err, unix.EPERM) {
		t.Skip("mounts need the capability SYS_ADMIN")
	}
	if covered.err != nil {
		t.Fatal(covered.err)
	}
	open, _ := covered.o.Values.List("open")
	shut, _ := covered.o.Values.List("shut")
	if len(open) > 0 || !slices.Contains(shut, "read /proc/keys: masked") || !slices.Contains(shut, "write /proc/sys: EROFS") {
		t.Errorf("open %q, shut %q (%s)", open, shut, covered.o.Detail)
	}

	o := coveredPaths(&probes.Context{})
	open, _ = o.Values.List("open")
	if !slices.ContainsFunc(open, func(line string) bool { return strings.HasPrefix(line, "read ") }) {
		t.Errorf("without masks: %+v", o)
	}
}

// cover does as a runtime does: an empty folder over folders, /dev/null over
// files, and read-only bind mounts.
func cover() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, path := range maskedPaths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case info.IsDir():
			err = unix.Mount("tmpfs", path, "tmpfs", unix.MS_RDONLY, "")
		default:
			err = unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, path := range readOnlyPaths {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := errors.Join(unix.Mount(path, path, "", unix.MS_BIND, ""),
			unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")); err != nil {
			return err
		}
	}
	return nil
}
