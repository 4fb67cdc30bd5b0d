package filesystem

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/evidence"
)

func TestOpenForWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pattern")
	if err := os.WriteFile(path, []byte("core"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := list(t, openForWriting(path), "opened"); !slices.Equal(got, []string{path}) {
		t.Errorf("opened %q", got)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "core" {
		t.Errorf("it was changed: %q, %v", content, err)
	}
	if o := openForWriting(path + "-none"); o.State != evidence.Absent {
		t.Errorf("%+v of a file that is not there", o)
	}
}

func TestMountOptions(t *testing.T) {
	for memberships, want := range map[string][]string{
		"12:cpu,cpuacct:/a\n1:name=systemd:/init.scope\n0::/a\n": {"cpu,cpuacct", "none,name=systemd"},
		"0::/\n":       nil,
		"":             nil,
		"garbage\n5:x": nil,
	} {
		if got := mountOptions(memberships); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", memberships, got, want)
		}
	}
}

func TestAgentsOpen(t *testing.T) {
	dir := t.TempDir()
	var a agents
	a.open("nothing", dir)
	if len(a.opened) > 0 || !slices.Equal(a.tried, []string{"nothing: ENOENT"}) {
		t.Errorf("%+v", a)
	}
	if os.Geteuid() != 0 {
		t.Skip("without root the kernel takes no release agent")
	}
	if err := os.WriteFile(filepath.Join(dir, agentFile), []byte("/old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if refused := refusesAgents(); refused != nil {
		t.Skipf("this kernel takes no release agent from this process: %v", refused)
	}
	a.open("there", dir)
	if !slices.Equal(a.opened, []string{"there"}) {
		t.Errorf("%+v", a)
	}
	if content, err := os.ReadFile(filepath.Join(dir, agentFile)); err != nil || string(content) != "/old" {
		t.Errorf("it was changed: %q, %v", content, err)
	}
}

// On a kernel with the fix of CVE-2022-0492 a child in namespaces of its own
// opens nothing that counts; what it tried, it says.
func TestAgentsOfChild(t *testing.T) {
	a := agentsOfChild()
	t.Logf("opened %q, tried %q", a.opened, a.tried)
	hierarchies, err := versionOne()
	if err != nil {
		t.Skip(err)
	}
	if len(hierarchies) > 0 && len(a.tried) == 0 {
		t.Errorf("%d hierarchies, and it tried nothing", len(hierarchies))
	}
}

func TestLimitedBuffer(t *testing.T) {
	var to bytes.Buffer
	b := &limitedBuffer{to: &to, left: 4}
	if n, err := b.Write([]byte("abc")); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := b.Write([]byte("de")); err == nil || to.String() != "abc" {
		t.Errorf("took %q, %v", to.String(), err)
	}
}

// procfs and sysfs are told by what lies there, wherever they are mounted.
func TestProcsysFinds(t *testing.T) {
	root := t.TempDir()
	volume := mkdir(t, filepath.Join(root, "volume"))
	token := strings.Repeat("b", 64)
	for path, content := range map[string]string{
		"fake/sys/kernel/random/boot_id": "the-boot-id\n",
		"fake/self/status":               "",
		"fake/12/cmdline":                "probe\x00hold-process\x00" + token + "\x00",
		"fake/13/cmdline":                "sh\x00",
		"fakesys/kernel/vmcoreinfo":      "123abc 1000\n",
		"volume/data/x":                  "x",
	} {
		mkdir(t, filepath.Dir(filepath.Join(root, path)))
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": filepath.Join(root, "fake"), "own": "/proc", "sysfs": filepath.Join(root, "fakesys")} {
		if err := os.Symlink(to, filepath.Join(volume, name)); err != nil {
			t.Fatal(err)
		}
	}
	finds := &procsysFinds{isToken: func(word string) bool { return word == token }}
	places, cut := procsysPlaces([]string{"/", "/proc", "/proc/sys", "/sys/fs/cgroup", volume})
	for _, place := range places {
		finds.look(place)
	}
	if cut || finds.cut {
		t.Error("a small volume is called larger than is looked at")
	}
	link := filepath.Join(volume, "link")
	for what, got := range map[string][2][]string{
		"proc":       {finds.proc, {link}},
		"sys":        {finds.sys, {filepath.Join(volume, "sysfs")}},
		"processes":  {finds.processes, {filepath.Join(link, "12")}},
		"boot ids":   {finds.bootIDs, {"the-boot-id"}},
		"vmcoreinfo": {finds.vmcoreinfo, {"123abc"}},
	} {
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("%s: %q, want %q", what, got[0], got[1])
		}
	}
}

// A volume with more in it than is looked at is not cleared.
func TestProcsysSaysWhatItDidNotLookAt(t *testing.T) {
	volume := t.TempDir()
	for i := range maxVolumeEntries + 1 {
		if err := os.WriteFile(filepath.Join(volume, strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if places, cut := procsysPlaces([]string{volume}); !cut || len(places) != maxVolumeEntries+1 {
		t.Errorf("%d places, cut %t", len(places), cut)
	}
}

// A volume that is read-only by a mount alone is writable for whoever may mount.
func TestSealedVolumeIsWrittenByMounting(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	volume, scratch := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(volume, "file"), []byte(strings.Repeat("x", 64)), 0o666); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("/bin/sh", "-c", `set -e; mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; exec "$0" write-sealed "$1" "$2"`, self, volume, scratch)
	command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, line := range []string{"as it is: EROFS", "by its own root: EROFS", "remounted writable: wrote", "mounted elsewhere: wrote"} {
		if !strings.Contains(string(output), line) {
			t.Errorf("%q is not among %s", line, output)
		}
	}
	content, err := os.ReadFile(filepath.Join(volume, "file"))
	if err != nil || string(content) != nonce+strings.Repeat("x", 32) {
		t.Errorf("the file holds %q, %v", content, err)
	}
	if left, _ := os.ReadDir(scratch); len(left) > 0 {
		t.Errorf("left in the volume: %v", left)
	}
	if o := writeSealed(volume, scratch, "none", nonce); o.State != evidence.Absent {
		t.Errorf("%+v of a file that is not there", o)
	}
}
