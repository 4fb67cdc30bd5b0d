package filesystem

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
)

const canary = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func walkFrom(paths ...string) walkResult {
	w := newWalk(isCanary)
	w.from(&roots{paths: paths})
	return w.result()
}

func write(t *testing.T, path, content string) {
	t.Helper()
	mkdir(t, filepath.Dir(path))
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWalkReadsRegularFilesOfTheTokensLengthOnly(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a/b/c/deep"), canary)
	write(t, filepath.Join(root, "a/longer"), canary+"0")
	write(t, filepath.Join(root, "a/other"), canary[1:]+"0")
	if err := os.Symlink(filepath.Join(root, "a/b/c/deep"), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", filepath.Join(root, "a/loop")); err != nil {
		t.Fatal(err)
	}
	// To open this one for reading would wait for a writer.
	if err := unix.Mkfifo(filepath.Join(root, "a/fifo"), 0o666); err != nil {
		t.Fatal(err)
	}
	result := walkFrom(root)
	if len(result.found) != 1 || result.found[0] != filepath.Join(root, "a/b/c/deep") {
		t.Errorf("found %q", result.found)
	}
	if result.files != 2 || result.truncated {
		t.Errorf("%d files read, truncated %v", result.files, result.truncated)
	}
}

func TestWalkTakesASingleFileForARoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mounted-file")
	write(t, path, canary)
	if result := walkFrom(path); len(result.found) != 1 {
		t.Errorf("%+v", result)
	}
}

func TestWalkLooksAtWellKnownPlacesFirst(t *testing.T) {
	root := t.TempDir()
	const entries = 500
	for dir := range 10 {
		for file := range entries / 5 {
			write(t, filepath.Join(root, "etc", fmt.Sprint(dir), fmt.Sprint(file)), "")
		}
	}
	write(t, filepath.Join(root, "var/lib/some-name/canary"), canary)
	bounded := func() walkResult {
		w := newWalk(isCanary)
		w.entries = entries
		w.from(&roots{paths: []string{root}})
		return w.result()
	}
	if result := bounded(); len(result.found) != 1 {
		t.Errorf("%+v", result)
	}
	if err := os.RemoveAll(filepath.Join(root, "var")); err != nil {
		t.Fatal(err)
	}
	if result := bounded(); !result.truncated || result.entries > entries+walkBatch {
		t.Errorf("%+v", result)
	}
}

// TestWalkComesToTheYoungestFoldersOfAPlaceFirst holds that a node whose /tmp is
// full of old folders does not use up a search before it is at the plants.
func TestWalkComesToTheYoungestFoldersOfAPlaceFirst(t *testing.T) {
	root := t.TempDir()
	const folders, files = 10, 50
	for dir := range folders {
		for file := range files {
			write(t, filepath.Join(root, "tmp", fmt.Sprint(dir), fmt.Sprint(file)), "")
		}
	}
	write(t, filepath.Join(root, "tmp/zz/canary"), canary)
	w := newWalk(isCanary)
	w.entries = folders * files / 2
	w.from(&roots{paths: []string{root}})
	if result := w.result(); len(result.found) != 1 || result.searched {
		t.Errorf("%+v", result)
	}
}

// TestWalkEndsByTheClock holds that the search ends by either clock and says
// so; a slow node is given more of both by the run's factor.
func TestWalkEndsByTheClock(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a/b/deep"), canary)
	for _, limit := range []struct {
		set      func(*walk)
		searched bool
	}{
		{func(w *walk) { w.within = 0 }, false},
		{func(w *walk) { w.withinCPU = 0 }, true},
	} {
		w := newWalk(isCanary)
		limit.set(w)
		w.from(&roots{paths: []string{root}})
		if result := w.result(); !result.truncated || len(result.found) > 0 || result.searched != limit.searched {
			t.Errorf("%+v", result)
		}
	}
	// Where plants lie is searched however much CPU time that takes.
	write(t, filepath.Join(root, "var/lib/some-name/canary"), canary)
	w := newWalk(isCanary)
	w.withinCPU = 0
	w.from(&roots{paths: []string{root}})
	if result := w.result(); len(result.found) != 1 || !result.searched {
		t.Errorf("%+v", result)
	}
	ctx := &probes.Context{TimeoutScale: 30}
	if got := ctx.Scaled(walkWithin); got != 30*walkWithin {
		t.Errorf("a search on a slow node may take %v", got)
	}
	if got := new(probes.Context).Scaled(walkWithin); got != walkWithin {
		t.Errorf("a search without a factor may take %v", got)
	}
}

// TestWalkSaysWhatItLeftOut holds that a search is called whole only where every
// place in which plants lie was looked into to its end.
func TestWalkSaysWhatItLeftOut(t *testing.T) {
	root, crowded := t.TempDir(), t.TempDir()
	for file := range walkPerDir + walkBatch {
		write(t, filepath.Join(crowded, "tmp", fmt.Sprint(file)), "")
	}
	for name, test := range map[string]struct {
		roots    *roots
		missed   bool
		searched bool
	}{
		"all of it":             {&roots{paths: []string{root}}, false, true},
		"a place was too full":  {&roots{paths: []string{crowded}}, false, false},
		"there are more roots":  {&roots{paths: []string{root}, truncated: true}, false, false},
		"there are more places": {&roots{paths: []string{root}}, true, false},
	} {
		w := newWalk(isCanary)
		w.missed = test.missed
		w.from(test.roots)
		if result := w.result(); result.searched != test.searched || result.truncated == test.searched {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

func TestVolumesAreCounted(t *testing.T) {
	root := t.TempDir()
	for volume := range maxVolumes + 1 {
		if err := os.MkdirAll(filepath.Join(root, "volumes/kind", fmt.Sprint(volume)), 0o755); err != nil {
			t.Fatal(err)
		}
		if volumes, more := volumesBelow([]string{root}); volume >= maxVolumes-1 && (len(volumes) != maxVolumes || more != (volume == maxVolumes)) {
			t.Errorf("of %d volumes %d are looked into, more: %v", volume+1, len(volumes), more)
		}
	}
}

func TestWalkPassesOverPseudoFileSystems(t *testing.T) {
	if result := walkFrom("/proc", "/sys"); result.entries > 0 {
		t.Errorf("%d entries of /proc and /sys read", result.entries)
	}
}

func TestWalkReadsADirectoryOnce(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "var/lib/x"), canary)
	result := walkFrom(root, filepath.Join(root, "var"), filepath.Join(root, "var/lib"))
	if result.files != 1 {
		t.Errorf("one file read %d times", result.files)
	}
}

func TestReachableRootsHoldTheOwnRoot(t *testing.T) {
	r := reachableRoots()
	if len(r.paths) == 0 || r.paths[0] != "/" {
		t.Errorf("%q", r.paths)
	}
	seen := map[identity]bool{}
	for _, path := range r.paths {
		if id, _, err := identify(path); err == nil && seen[id] {
			t.Errorf("%s is another name of a root that is there already", path)
		} else if err == nil {
			seen[id] = true
		}
	}
}

func TestTokensHaveTheLengthThatIsLookedFor(t *testing.T) {
	if token := probes.Token([]byte("seed"), probes.TokenFile); len(token) != len(canary) {
		t.Errorf("%d bytes", len(token))
	}
}

func isCanary(content, path string) (string, bool) { return path, content == canary }
