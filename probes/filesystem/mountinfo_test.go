package filesystem

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// recorded is an excerpt of the mountinfo of a pod on runc (containerd 2).
const recorded = `1088 1015 0:98 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/12/fs:/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/3/fs,upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/40/fs,workdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/40/work,uuid=on
1089 1088 0:101 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
1090 1088 0:102 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
1096 1088 254:0 /var/lib/kubelet/pods/5f2f/etc-hosts /etc/hosts rw,relatime - ext4 /dev/vda rw
1097 1090 0:54 /kubelet/pods/5f2f/volumes/a\040b /data rw,relatime - tmpfs tmpfs rw
1098 1090 0:102 /null /proc/kcore rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
1099 1089 0:101 /sysrq-trigger /proc/sysrq-trigger ro,nosuid - proc proc rw
1100 1088 0:30 /kubepods/pod5f2f/c0 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
`

func TestMountReadings(t *testing.T) {
	table, err := mountinfo.GetMountsFromReader(strings.NewReader(recorded), nil)
	if err != nil {
		t.Fatal(err)
	}
	var telling []string
	for _, m := range table {
		if isTellingRoot(m) {
			telling = append(telling, m.Root)
		}
	}
	if want := []string{"/var/lib/kubelet/pods/5f2f/etc-hosts", "/kubelet/pods/5f2f/volumes/a b"}; !slices.Equal(telling, want) {
		t.Errorf("telling roots %q", telling)
	}
	const snapshots = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/"
	if dirs := overlayDirs(table[0].VFSOptions); !slices.Equal(dirs, []string{snapshots + "12/fs", snapshots + "3/fs", snapshots + "40/fs", snapshots + "40/work"}) {
		t.Errorf("overlay directories %q", dirs)
	}
}

func TestOverlayDirs(t *testing.T) {
	for options, want := range map[string][]string{
		"rw":                                      nil,
		"rw,lowerdir=12/fs:3/fs,upperdir=/u/1":    {"/u/1"},
		`rw,lowerdir=/a\:b:/c\,d,workdir=/w`:      {"/a:b", "/c,d", "/w"},
		"rw,lowerdir+=/a,lowerdir+=/b,datadir+=/": {"/a", "/b"},
		`rw,lowerdir=/a\`:                         {`/a\`},
	} {
		if got := overlayDirs(options); !slices.Equal(got, want) {
			t.Errorf("%s: %q", options, got)
		}
	}
}

func TestBagIsBounded(t *testing.T) {
	var b bag
	b.add("a", "a", "b")
	if len(b.items) != 2 || b.full {
		t.Errorf("%+v", b)
	}
	b.add(strings.Repeat("x", maxListBytes))
	if len(b.items) != 2 || !b.full {
		t.Errorf("%d items, full %v", len(b.items), b.full)
	}
}

func TestMountsOfThisMachine(t *testing.T) {
	o := mounts(&probes.Context{Vantage: evidence.Subject})
	if o.State != evidence.Seen {
		t.Fatalf("%s %s", o.State, o.Detail)
	}
	for _, reading := range []string{"overlay_dirs", "bind_roots", "devices"} {
		if _, ok := o.Values.List(reading); !ok {
			t.Errorf("no list %s", reading)
		}
	}
}

func TestVolumeOf(t *testing.T) {
	table := []*mountinfo.Info{{Mountpoint: "/"}, {Mountpoint: "/host/var/lib"}, {Mountpoint: "/host"}, {Mountpoint: "/ho"}}
	for dir, want := range map[string]string{"/host/var/lib/x": "/host", "/host": "/host", "/ho/x": "/ho", "/hostile": "", "/": ""} {
		if got, ok := volumeOf(dir, table); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v", dir, got, ok)
		}
	}
}

func TestParseMountID(t *testing.T) {
	if id, err := parseMountID("pos:\t0\nflags:\t012000000\nmnt_id:\t27\nino:\t2\n"); id != 27 || err != nil {
		t.Errorf("%d %v", id, err)
	}
	if _, err := parseMountID("pos:\t0\nflags:\t0100000\n"); err == nil {
		t.Error("an id out of nothing")
	}
}

func TestSocketSuffixes(t *testing.T) {
	suffixes := socketSuffixes()
	for _, want := range []string{"run/containerd/containerd.sock", "containerd/containerd.sock", "containerd.sock", "lib/kubelet/pod-resources/kubelet.sock", "docker.sock"} {
		if !slices.Contains(suffixes, want) {
			t.Errorf("no %s", want)
		}
	}
}
