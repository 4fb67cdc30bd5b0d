package kernel

import (
	"os"
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	stat, err := os.ReadFile("testdata/stat.txt")
	if err != nil {
		t.Fatal(err)
	}
	values := parseStat(stat)
	for name, want := range map[string]int64{"processes": 36511, "interrupts": 2494160, "context_switches": 3701217} {
		if got, ok := values.Number(name); !ok || got != want {
			t.Errorf("%s: got %d (present: %t), want %d", name, got, ok, want)
		}
	}
	if len(values) != 3 {
		t.Errorf("got readings %v, want three", values)
	}
}

func TestParseStatIgnoresWhatItCannotRead(t *testing.T) {
	values := parseStat([]byte("intr\nprocesses many\nctxt 18446744073709551616\n\nbtime 7\n"))
	if len(values) != 0 {
		t.Errorf("got %v, want no readings", values)
	}
}

func TestUniqueWords(t *testing.T) {
	const uuid = "6f7a3c1e-94f5-4c0e-9d1b-1d2f3a4b5c6d"
	for _, test := range []struct {
		line string
		want []string
	}{
		{"BOOT_IMAGE=/boot/vmlinuz-6.1.0-56-amd64 root=UUID=" + uuid + " ro quiet", []string{uuid}},
		{"root=PARTUUID=" + uuid + " rootflags=data=ordered", []string{uuid}},
		{"root=PARTUUID=5f3a1c2b-02 rw", []string{"5f3a1c2b-02"}},
		{`dm-mod.create="dm-verity,,,ro,0 524288 verity 1 /dev/vda1 /dev/vda2 4096 4096 65536 0 sha256 d5e0b1c3a7f94e2f 0000000000000000"`, []string{"d5e0b1c3a7f94e2f"}},
		{uuid, []string{uuid}},
		{"console=ttyS0 panic=-1 quiet nr_cpus=2 agent.log=debug", nil},
		{"memmap=0xffffffffffffffff mask=ffffffffffffffff short=0123456789abcde", nil},
		{"", nil},
	} {
		if got := uniqueWords(test.line); !slices.Equal(got, test.want) {
			t.Errorf("uniqueWords(%q) = %q, want %q", test.line, got, test.want)
		}
	}
}
