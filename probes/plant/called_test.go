package plant

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/katacert/katacert/probes"
)

// laidOut puts the files into a node of its own and returns their folder.
func laidOut(t *testing.T) (*site, string) {
	t.Helper()
	s := siteOn(t, node(t))
	r := report{}
	putCalled(s, &r)
	t.Cleanup(func() { _ = removeCalled(s) })
	if len(r.Failed) > 0 {
		t.Fatal(r.Failed)
	}
	return s, filepath.Join(s.hostRoot, r.Give[probes.ParamCalledFolder])
}

// opened waits until the name is noticed, and returns all that is.
func opened(t *testing.T, s *site, name string) []string {
	t.Helper()
	for {
		lines, err := touchedCalled(s)
		if err != nil || t.Context().Err() != nil {
			t.Fatal(err, t.Context().Err())
		}
		if slices.Contains(lines, plantCalled+" "+name) {
			return lines
		}
	}
}

func TestCalledFilesTellWhoOpensThem(t *testing.T) {
	s, folder := laidOut(t)
	if lines := opened(t, s, calledProof); len(lines) != 1 {
		t.Errorf("opened are %q before anybody came", lines)
	}
	// A listing of the folder opens none of them.
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != len(probes.CalledFiles())+1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	// A look at the file alone neither: a runtime may check that a path exists.
	if _, err := os.Stat(filepath.Join(folder, "image")); err != nil {
		t.Error(err)
	}
	if _, err := os.ReadFile(filepath.Join(folder, "config-path")); err != nil {
		t.Error(err)
	}
	opened(t, s, "config-path")
	if err := exec.Command(filepath.Join(folder, "path")).Run(); err == nil {
		t.Error("an empty file was started")
	}
	lines := opened(t, s, "path")
	for _, name := range []string{"image", "virtio-fs-daemon", probes.CalledDecoy} {
		if slices.Contains(lines, plantCalled+" "+name) {
			t.Errorf("%s passes for opened: %q", name, lines)
		}
	}
	requireGone(t, s, findCalled, removeCalled, 1)
}

func TestCalledFilesOnANodeWithoutTheirPlace(t *testing.T) {
	root := node(t)
	if err := os.RemoveAll(filepath.Join(root, calledPlace)); err != nil {
		t.Fatal(err)
	}
	r := report{}
	putCalled(siteOn(t, root), &r)
	if len(r.Failed) != 1 || len(r.Planted) != 0 || len(r.Give) != 0 {
		t.Errorf("report %+v", r)
	}
}
