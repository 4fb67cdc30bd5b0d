package plant

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
)

const (
	nonceA = "0123456789abcdef0123456789abcdef"
	nonceB = "fedcba9876543210fedcba9876543210"
	podA   = "0c1b9d6e-1111-4222-8333-123456789abc"
	podB   = "0c1b9d6e-2222-4222-8333-123456789abc"
)

// siteOn is the site of a witness whose node has two pods.
func siteOn(t *testing.T, root string) *site {
	t.Helper()
	s, err := newSite("run1", root, []byte("seed of "+t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	s.kubelet, s.planting = "/kubelet", t.TempDir()
	for _, pod := range []string{podA, podB} {
		for _, volume := range []string{scratchVolume, sealedVolume} {
			if err := os.MkdirAll(s.volume(pod, volume), 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

func (s *site) volume(pod, name string) string {
	return filepath.Join(s.hostRoot, s.kubelet, "pods", pod, "volumes/kubernetes.io~empty-dir", name)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// requireGone removes and looks that nothing is found any more.
func requireGone(t *testing.T, s *site, find func(*site) []string, remove func(*site) error, want int) {
	t.Helper()
	if found := find(s); len(found) != want {
		t.Errorf("found %q, want %d", found, want)
	}
	swept := &site{run: s.run, hostRoot: s.hostRoot, kubelet: s.kubelet, planting: s.planting}
	if err := remove(swept); err != nil {
		t.Error(err)
	}
	if found := find(s); len(found) > 0 {
		t.Errorf("still there: %q", found)
	}
}

func TestHandleOpensThePlantedFile(t *testing.T) {
	s := siteOn(t, node(t))
	var r report
	putHandle(s, &r)
	if len(r.Failed) > 0 {
		t.Skipf("the file system of %s gives no handles out: %q", s.planting, r.Failed)
	}
	kind, digits, _ := strings.Cut(r.Give[probes.ParamHandle], ":")
	number, err := strconv.Atoi(kind)
	data, hexErr := hex.DecodeString(digits)
	if err != nil || hexErr != nil || len(data) == 0 {
		t.Fatalf("handle %q", r.Give[probes.ParamHandle])
	}
	mount, err := os.Open(s.planting)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mount.Close() }()
	fd, err := unix.OpenByHandleAt(int(mount.Fd()), unix.NewFileHandle(int32(number), data), unix.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 100)
	n, err := unix.Read(fd, content)
	_ = unix.Close(fd)
	if err != nil || string(content[:n]) != s.token(probes.TokenHandle) {
		t.Errorf("read %q, %v", content[:n], err)
	}
	requireGone(t, s, findHandle, removeHandle, 1)
}

func TestSharedFolderTellsWhoWroteIntoIt(t *testing.T) {
	s := siteOn(t, node(t))
	var r report
	old := unix.Umask(0o077)
	putShared(s, &r)
	unix.Umask(old)
	folder := s.hostRoot + r.Give[probes.ParamSharedFolder]
	if info, err := os.Stat(folder); len(r.Failed) > 0 || err != nil || info.Mode().Perm() != 0o777 || info.Mode()&os.ModeSticky == 0 {
		t.Fatalf("%q, %v, %v", r.Failed, info, err)
	}
	if lines, err := touchedShared(s); err != nil || len(lines) > 0 {
		t.Errorf("touched %q, %v before anybody came", lines, err)
	}
	write(t, filepath.Join(folder, "x"), nonceA)
	write(t, filepath.Join(folder, "y"), nonceB+" and more")
	write(t, filepath.Join(folder, "not-signed"), "hello")
	if err := os.Symlink("x", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	lines, err := touchedShared(s)
	slices.Sort(lines)
	if want := []string{"shared-folder " + nonceA, "shared-folder " + nonceB}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("touched %q, %v; want %q", lines, err, want)
	}
	requireGone(t, s, findShared, removeShared, 1)
	if lines, err := touchedShared(s); err == nil {
		t.Errorf("touched %q of a folder that is gone", lines)
	}
}

func TestSpecialFilesAreTold(t *testing.T) {
	s := siteOn(t, node(t))
	var r report
	putSpecial(s, &r)
	mark := r.Give[probes.ParamSpecialMark]
	if len(r.Failed) > 0 || mark == "" {
		t.Fatalf("%+v", r)
	}
	a, b := s.volume(podA, scratchVolume), s.volume(podB, scratchVolume)
	if err := unix.Mknod(filepath.Join(a, mark+"-"+nonceA+"-chr"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
		t.Skipf("no device node can be made here: %v", err)
	}
	write(t, filepath.Join(b, mark+"-"+nonceB+"-chr"), "a regular file")
	write(t, filepath.Join(b, mark+"-"+nonceB+"-suid"), "")
	if err := os.Chmod(filepath.Join(b, mark+"-"+nonceB+"-suid"), 0o711|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"katacert-other-" + s.tag + "-" + nonceB + "-chr", mark + "-nonce-chr", mark, "data"} {
		write(t, filepath.Join(b, name), "not ours")
	}
	lines, err := touchedSpecial(s)
	slices.Sort(lines)
	if want := []string{"setuid-file " + nonceB, "special-file " + nonceA}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("touched %q, %v; want %q", lines, err, want)
	}
	requireGone(t, s, findSpecial, removeSpecial, 3)
	if left, _ := os.ReadDir(b); len(left) != 4 {
		t.Errorf("%d files of others are left, want 4", len(left))
	}
}

func TestSealedFilesTellWhoChangedThem(t *testing.T) {
	s := siteOn(t, node(t))
	s.pods = []string{podA}
	var r report
	putSealed(s, &r)
	name := r.Give[probes.ParamSealedFile]
	a := filepath.Join(s.volume(podA, sealedVolume), name)
	if info, err := os.Stat(a); len(r.Failed) > 0 || err != nil || info.Mode().Perm() != 0o666 {
		t.Fatalf("%+v, %v, %v", r, info, err)
	}
	if _, err := os.Stat(filepath.Join(s.volume(podB, sealedVolume), name)); err == nil {
		t.Error("a pod that is not of the run was given a file")
	}
	if lines, err := touchedSealed(s); err != nil || len(lines) > 0 {
		t.Errorf("touched %q, %v before anybody came", lines, err)
	}
	write(t, a, nonceA+"the rest")
	if lines, err := touchedSealed(s); err != nil || !slices.Equal(lines, []string{"sealed " + nonceA}) {
		t.Errorf("touched %q, %v", lines, err)
	}
	write(t, a, "somebody")
	if lines, err := touchedSealed(s); err == nil {
		t.Errorf("touched %q where somebody did not sign", lines)
	}
	requireGone(t, s, findSealed, removeSealed, 1)
}

func TestWithoutPodsNothingIsSealedOrLeft(t *testing.T) {
	s := siteOn(t, node(t))
	var r report
	putSealed(s, &r)
	if len(r.Failed) != 1 || len(r.Planted) > 0 {
		t.Errorf("%+v without a pod of the run", r)
	}
	s.hostRoot, s.kubelet = t.TempDir(), ""
	for _, put := range []func(*site, *report){putSpecial, putSealed} {
		r := report{}
		if put(s, &r); len(r.Failed) != 1 || len(r.Planted) > 0 {
			t.Errorf("%+v on a node without a kubelet", r)
		}
	}
	// A node without a kubelet holds nothing of ours; that is no failure.
	if err := removeSpecial(s); err != nil {
		t.Error(err)
	}
	if err := removeSealed(s); err != nil {
		t.Error(err)
	}
	if lines, err := touchedSpecial(s); err == nil {
		t.Errorf("touched %q on a node without a kubelet", lines)
	}
}

// What nobody looks for is not planted.
func TestKindsAreAskedFor(t *testing.T) {
	root, run := node(t), newRun()
	_, lines, _ := planted(t, root, run)
	if hasKind(lines, plantShared) {
		t.Errorf("planted without being asked for: %q", lines)
	}
	ctx := witness(t, "act", root, run)
	ctx.OptIn = []string{"share-links"}
	o := observe(ctx)
	lines, _ = o.Values.List("planted")
	if !hasKind(lines, plantShared) || !hasKind(Remains(root, run), plantShared) {
		t.Errorf("planted only %q", lines)
	}
}
