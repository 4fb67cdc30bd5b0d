package pagecache

import (
	"crypto/rand"
	"math/bits"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
)

// open makes a file of all regions on the disk below the test's folder.
func open(t *testing.T) (*File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pages")
	content := make([]byte, len(probes.PageRegions())*probes.PagesInRegion*probes.PageBytes)
	_, _ = rand.Read(content)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil || fs.Type == unix.TMPFS_MAGIC {
		t.Skipf("%s lies in memory, whose pages cannot be evicted (%v)", path, err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, path
}

// What one descriptor warms is recovered through another, again and again:
// looking changes nothing.
func TestASignIsRecovered(t *testing.T) {
	if os.Getpagesize() != probes.PageBytes {
		t.Skipf("pages of %d bytes carry no sign of %d", os.Getpagesize(), probes.PageBytes)
	}
	f, path := open(t)
	left, err := f.Evict()
	if err != nil {
		t.Fatal(err)
	}
	if left > 0 {
		t.Skipf("the file system keeps %d pages in memory", left)
	}
	other, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	for _, region := range probes.PageRegions() {
		want := MakeSign([]byte("secret"), region)
		if err := f.Warm(region, want); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got, err := other.Recover(region); err != nil || got != want {
				t.Errorf("region %s: recovered %v, %v; want %v", region, got, err, want)
			}
		}
	}
	if left, err := other.Evict(); err != nil || left != 0 {
		t.Errorf("%d pages left, %v", left, err)
	}
	if got, err := f.Recover(probes.RegionNode); err != nil || got != 0 {
		t.Errorf("recovered %v, %v after everything was evicted", got, err)
	}
}

func TestMakeSignDrawsHalfAndDependsOnEverything(t *testing.T) {
	sign := MakeSign([]byte("a"), probes.RegionNode)
	if n := bits.OnesCount64(uint64(sign)); n != probes.PagesInRegion/2 {
		t.Errorf("%d pages, want half", n)
	}
	if MakeSign([]byte("a"), probes.RegionNode) != sign {
		t.Error("the same secret draws another sign")
	}
	for _, other := range []Sign{MakeSign([]byte("b"), probes.RegionNode), MakeSign([]byte("a"), probes.RegionReference)} {
		if bits.OnesCount64(uint64(sign^other)) < 8 {
			t.Errorf("%v and %v are almost alike", sign, other)
		}
	}
	if got := Sign(0xa1).String(); got != "00000000000000a1" || !Sign(0xa1).Has(7) || Sign(0xa1).Has(1) {
		t.Errorf("0xa1 is written %s", got)
	}
}

func TestOpenRefusesAShortFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages")
	if err := os.WriteFile(path, make([]byte, 4096), 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(path); err == nil {
		_ = f.Close()
		t.Error("a file of one page was taken")
	}
}

func TestUnknownRegion(t *testing.T) {
	f, _ := open(t)
	if err := f.Warm("nowhere", 1); err == nil {
		t.Error("warmed a region that does not exist")
	}
	if _, err := f.Recover("nowhere"); err == nil {
		t.Error("recovered from a region that does not exist")
	}
}
