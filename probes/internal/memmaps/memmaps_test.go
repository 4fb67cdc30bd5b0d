package memmaps

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]bool{
		"7f0c4a000000-7f0c4a021000 rw-p 00000000 00:00 0 ":                           true,
		"55d0a8f0b000-55d0a8f2c000 rw-p 00000000 00:00 0                     [heap]": true,
		"7ffd5c5f7000-7ffd5c618000 rw-p 00000000 00:00 0":                            true,
		"7f0c4a021000-7f0c4a000000 rw-p 00000000 00:00 0 ":                           false, // backwards
		"7f0c4a000000-7f0c4a021000 rw-s 00000000 00:01 1029 /dev/zero":               false, // shared
		"7f0c4a000000-7f0c4a021000 r--p 00000000 00:00 0 ":                           false,
		"7f0c4a000000-7f0c4a021000 rw-p 00001000 fe:00 2345 /usr/lib/libc.so":        false, // a file's
		"ffffffffff600000-ffffffffff601000 rw-p 00000000 00:00 0":                    false, // beyond user space
		"":        false,
		"nothing": false,
	} {
		if _, got := parse(line); got != want {
			t.Errorf("%q: taken %t, want %t", line, got, want)
		}
	}
}

func TestWritableHoldsAnOwnMapping(t *testing.T) {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(page) }()
	page[0] = 1
	regions, err := Writable(os.Getpid())
	if err != nil || len(regions) == 0 {
		t.Fatalf("%d regions, %v", len(regions), err)
	}
	if _, err := Writable(1 << 30); err == nil {
		t.Error("a process that does not exist has memory")
	}
}
