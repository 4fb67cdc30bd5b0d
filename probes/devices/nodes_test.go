package devices

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

func TestParseBlocks(t *testing.T) {
	table, err := os.ReadFile("testdata/partitions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range parseBlocks(string(table)) {
		got = append(got, b.name)
	}
	if want := []string{"vda", "vda1", "nvme0n1", "loop1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseDevice(t *testing.T) {
	for text, want := range map[string]bool{"7:0": true, "259:1048575": true, "": false, "7": false, "7:": false, "x:1": false, "4096:0": false, "1:2:3": false} {
		if _, ok := parseDevice(text); ok != want {
			t.Errorf("parseDevice(%q) = %v, want %v", text, ok, want)
		}
	}
}

// A file stands for the device: what counts is what it begins with.
func TestTheTokenIsFoundAtTheBeginning(t *testing.T) {
	token := probes.Token([]byte("seed"), probes.TokenDevice)
	ctx := &probes.Context{Seek: map[string]string{probes.TokenDevice: probes.TokenHash(token)}}
	for content, want := range map[string]bool{token + "rest": true, "x" + token: false, token[:10]: false, "": false} {
		path := filepath.Join(t.TempDir(), "device")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		begins, err := readToken(path)
		if got := err == nil && ctx.Find(probes.TokenDevice, begins); got != want {
			t.Errorf("%.20q...: found %v, %v; want %v", content, got, err, want)
		}
	}
}

func TestBlockReadUntold(t *testing.T) {
	hash := map[string]string{probes.TokenDevice: probes.TokenHash("t")}
	for _, ctx := range []*probes.Context{{}, {Seek: hash}, {Params: map[string]string{probes.ParamBlockDevice: "7:0"}}} {
		if o := blockRead(ctx); o.State != evidence.Absent || !strings.Contains(o.Detail, "was not told") {
			t.Errorf("%+v: %+v", ctx, o)
		}
	}
}

// The copy of a character device in a folder of the test is listed with its
// numbers, and what every container has is left out.
func TestListDevices(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"pts", "net", "mqueue"} {
		if err := os.Mkdir(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"null", "pts/0", "net/odd", "odd", "nullx"} {
		if err := unix.Mknod(filepath.Join(root, name), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
			t.Skipf("this user may not make device nodes: %v", err)
		}
	}
	if err := os.Symlink("odd", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	got, truncated := listDevices(root)
	if want := []string{"/dev/net/odd c 1:3", "/dev/nullx c 1:3", "/dev/odd c 1:3"}; !slices.Equal(got, want) || truncated {
		t.Errorf("got %q, truncated %v; want %q", got, truncated, want)
	}
}

// The probes that make nodes leave none.
func TestNothingStaysInDev(t *testing.T) {
	for _, o := range []evidence.Observation{kernelMemory(&probes.Context{}), blockOpen(&probes.Context{})} {
		if o.State == evidence.Failed {
			t.Errorf("%+v", o)
		}
	}
	left, err := filepath.Glob("/dev/katacert-*")
	if err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestErrnoOf(t *testing.T) {
	for want, err := range map[string]error{"done": nil, "EPERM": errors.Join(errors.New("x"), unix.EPERM), "failed": errors.New("odd")} {
		if got := errnoOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
