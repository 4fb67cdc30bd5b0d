package filesystem

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

const nonce = "0123456789abcdef0123456789abcdef"

// raceWithin bounds the attempts to win a race.
const raceWithin = 30 * time.Second

// A folder that the links do reach is written into by every way that reaches it,
// and the links are gone afterwards.
func TestLinksLeaveTheNonceWhereTheyLead(t *testing.T) {
	volume, target := t.TempDir(), t.TempDir()
	raced := func() bool {
		_, err := os.Stat(filepath.Join(target, "katacert-"+nonce+"-race"))
		return err == nil
	}
	// A race is won by chance, and on a busy machine not at the first attempt.
	var o evidence.Observation
	for deadline := time.Now().Add(raceWithin); ; {
		o = writeThroughLinks(volume, target, nonce)
		if o.State != evidence.Seen || o.Detail != "" {
			t.Fatalf("%+v", o)
		}
		if raced() || time.Now().After(deadline) {
			break
		}
	}
	for _, way := range []string{"absolute", "race"} {
		content, err := os.ReadFile(filepath.Join(target, "katacert-"+nonce+"-"+way))
		if err != nil || string(content) != nonce {
			t.Errorf("by %s: %q, %v", way, content, err)
		}
	}
	// The folder has some number of levels: the chain of that length leads there.
	if found, _ := filepath.Glob(filepath.Join(target, "*-up-*")); len(found) == 0 {
		t.Error("no chain of .. arrived")
	}
	if swaps, _ := o.Values.Number("swaps"); swaps == 0 {
		t.Error("the race never swapped")
	}
	if left, err := os.ReadDir(volume); err != nil || len(left) > 0 {
		t.Errorf("left in the volume: %v, %v", left, err)
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	o := writeThroughLinks(t.TempDir(), "/no-such-folder", nonce)
	for _, line := range list(t, o, "tried") {
		if !strings.HasSuffix(line, ": ENOENT") && !strings.HasPrefix(line, "link in place of a folder:") {
			t.Errorf("%q", line)
		}
	}
	if o := writeThroughLinks("/no-such-volume", "/tmp", nonce); o.State != evidence.Absent {
		t.Errorf("%+v without a volume", o)
	}
	if o := shareLinks(&probes.Context{}); o.State != evidence.Absent {
		t.Errorf("%+v without a folder on the node", o)
	}
}

func TestSwap(t *testing.T) {
	dir := t.TempDir()
	a, b := mkdir(t, filepath.Join(dir, "a")), filepath.Join(dir, "b")
	if err := os.Symlink("/", b); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := swap(a, b); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(a)
		if isLink := err == nil && info.Mode()&fs.ModeSymlink != 0; isLink != (i%2 == 0) {
			t.Errorf("after %d swaps: %v, %v", i+1, info, err)
		}
	}
}

func TestOutcome(t *testing.T) {
	for want, err := range map[string]error{
		"wrote":  nil,
		"EROFS":  &fs.PathError{Op: "open", Path: "/x", Err: unix.EROFS},
		"EPERM":  errors.Join(nil, unix.EPERM),
		"broken": errors.New("broken"),
	} {
		if got := outcome(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestSpecialFilesAreLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("device nodes need root")
	}
	volume := t.TempDir()
	o := makeSpecialFiles(volume, "mark-"+nonce+"-")
	tried := list(t, o, "tried")
	device, err := os.Lstat(filepath.Join(volume, "mark-"+nonce+"-chr"))
	if err != nil {
		t.Skipf("no device node can be made here: %q", tried)
	}
	setuid, err := os.Lstat(filepath.Join(volume, "mark-"+nonce+"-suid"))
	if device.Mode()&fs.ModeCharDevice == 0 || err != nil || setuid.Mode()&fs.ModeSetuid == 0 || setuid.Size() != 0 {
		t.Errorf("%v, %v, %v: %q", device, setuid, err, tried)
	}
	if o := makeSpecialFiles("/no-such-volume", "x"); o.State != evidence.Absent {
		t.Errorf("%+v without a volume", o)
	}
}

func TestParseHandle(t *testing.T) {
	if handle, err := parseHandle("129:00ff"); err != nil || handle.Type() != 129 || string(handle.Bytes()) != "\x00\xff" {
		t.Errorf("%v, %v", handle, err)
	}
	for _, text := range []string{"", "1", "1:", "x:00", "1:0", "1:" + strings.Repeat("00", 129), "99999999999:00"} {
		if handle, err := parseHandle(text); err == nil {
			t.Errorf("%q gave %v", text, handle)
		}
	}
}

func TestOpenThrough(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("open_by_handle_at needs root")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	token := strings.Repeat("a", 64)
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		t.Skipf("the file system of %s gives no handles out: %v", dir, err)
	}
	isToken := func(content string) bool { return content == token }
	o := openThrough([]string{"/no-such-mount", dir, filepath.Dir(dir)}, handle, isToken)
	if found := list(t, o, "found"); len(found) != 1 || found[0] != dir {
		t.Errorf("found %q", found)
	}
	if mounts, _ := o.Values.Number("mounts"); mounts != 1 {
		t.Errorf("%d file systems tried, want one", mounts)
	}
	o = openThrough([]string{dir}, handle, func(string) bool { return false })
	if found := list(t, o, "found"); len(found) > 0 {
		t.Errorf("took something else for the token: %q", found)
	}
	// procfs takes no handles.
	if o := openThrough([]string{"/proc"}, handle, isToken); o.State == evidence.Seen && len(list(t, o, "found")) > 0 {
		t.Errorf("%+v through procfs", o)
	}
	if o := openThrough(nil, handle, isToken); o.State != evidence.Absent {
		t.Errorf("%+v without mounts", o)
	}
	if o := openByHandle(&probes.Context{}); o.State != evidence.Absent {
		t.Errorf("%+v without a handle", o)
	}
}
