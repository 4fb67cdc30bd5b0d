package process

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/place"
)

func TestParseInterrupts(t *testing.T) {
	table, err := os.ReadFile("testdata/interrupts.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines, total := parseInterrupts(table)
	want := []string{
		"1 IO-APIC 1-edge i8042",
		"4 IO-APIC 4-edge ttyS0",
		"24 PCI-MSIX-0000:00:03.0 0-edge virtio0-config",
		"25 PCI-MSI 524288-edge virtio1-input.0, virtio1-output.0",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("lines %q", lines)
	}
	if total != 9+1041+20177+3+100000+200000+7 {
		t.Errorf("total %d", total)
	}
	if lines, total := parseInterrupts(nil); len(lines) != 0 || total != 0 {
		t.Errorf("of nothing: %q %d", lines, total)
	}
}

func TestParseStatTotal(t *testing.T) {
	const stat = "cpu  1 2 3\nintr 4711 0 9 0\nctxt 5\nsoftirq 815 1 2\n"
	for _, test := range []struct {
		name string
		want int64
		ok   bool
	}{{"intr", 4711, true}, {"softirq", 815, true}, {"soft", 0, false}, {"processes", 0, false}} {
		if got, ok := parseStatTotal([]byte(stat), test.name); got != test.want || ok != test.ok {
			t.Errorf("%s: %d %v", test.name, got, ok)
		}
	}
}

func TestParseModules(t *testing.T) {
	const modules = "overlay 151552 2 - Live 0x0000000000000000\nbr_netfilter 32768 0 - Live 0x0\n"
	if got := parseModules([]byte(modules)); !slices.Equal(got, []string{"overlay", "br_netfilter"}) {
		t.Errorf("%q", got)
	}
}

func TestParseCgroupCounts(t *testing.T) {
	const table = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t12\t1\nmemory\t4\t11\t1\nhugetlb\t0\t1\t0\n"
	values := parseCgroupCounts([]byte(table))
	cpuset, _ := values.Number("num_cpuset")
	memory, _ := values.Number("num_memory")
	if len(values) != 2 || cpuset != 12 || memory != 11 {
		t.Errorf("%v", values)
	}
}

func TestFollowedPicksTheSteadiestController(t *testing.T) {
	counts := func(pairs map[string]int64) evidence.Values {
		values := evidence.Values{}
		for name, n := range pairs {
			values["num_"+name] = evidence.Number(n)
		}
		return values
	}
	before := counts(map[string]int64{"memory": 5, "pids": 5, "cpu": 5})
	for _, test := range []struct {
		name        string
		after       map[string]int64
		controllers []string
		want        string
	}{
		{"all of version 2", map[string]int64{"memory": 5 + madeCgroups, "pids": 5 + madeCgroups, "cpu": 5 + madeCgroups}, nil, "pids"},
		{"only memory", map[string]int64{"memory": 5 + madeCgroups, "pids": 5, "cpu": 5}, nil, "memory"},
		{"another hierarchy moved", map[string]int64{"memory": 5, "pids": 5 + madeCgroups, "cpu": 5}, []string{"cpu", "cpuacct"}, ""},
		{"moved too little", map[string]int64{"memory": 4 + madeCgroups, "pids": 4 + madeCgroups, "cpu": 4 + madeCgroups}, nil, ""},
	} {
		if got, ok := followed(before, counts(test.after), test.controllers); got != test.want || ok != (test.want != "") {
			t.Errorf("%s: %q %v", test.name, got, ok)
		}
	}
}

func TestParseLoad(t *testing.T) {
	if kib, ok := parseMemTotal([]byte("MemTotal:       24684096 kB\nMemFree: 1 kB\n")); kib != 24684096 || !ok {
		t.Errorf("%d %v", kib, ok)
	}
	if _, ok := parseMemTotal([]byte("MemFree: 1 kB\n")); ok {
		t.Error("a total without MemTotal")
	}
	const cpuinfo = "processor\t: 0\nmodel name\t: AMD processor : 7\n\nprocessor\t: 1\nprocessor ARM : x\n"
	if got := countProcessors([]byte(cpuinfo)); got != 2 {
		t.Errorf("%d processors", got)
	}
	const diskstats = "   7       0 loop0 9 0 0 0 0 0 0 0\n 254       0 vda 100 0 10 1 200 0 20 2 0\n 254      16 vdb 0 0 0 0 0 0 0 0 0\n 254 1 vda1 5 0 0 0 6 0\n"
	disks := parseDiskstats([]byte(diskstats), func(name string) bool { return strings.HasPrefix(name, "vd") && name != "vda1" })
	if !slices.Equal(disks, []string{"vda 100 200"}) {
		t.Errorf("%q", disks)
	}
}

func TestMentions(t *testing.T) {
	token := probes.Token([]byte("seed"), probes.TokenKmsg)
	ctx := &probes.Context{Seek: map[string]string{probes.TokenKmsg: probes.TokenHash(token)}}
	other := place.KmsgMark + probes.Token([]byte("other"), probes.TokenKmsg)
	for text, want := range map[string]bool{
		"":                         false,
		place.KmsgMark:             false,
		place.KmsgMark + token[:9]: false,
		other + "\n":               false,
		other + "\n6,1,2,-;katacert: run r1 " + place.KmsgMark + token + "\n": true,
		"<6>" + place.KmsgMark + token:                                        true,
		token:                                                                 false,
	} {
		if got := mentions(ctx, []byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
