package platform

import (
	"slices"
	"testing"
)

// Lines of /proc/PID/smaps as a kernel 6.1 writes them: the number of the inode stands
// in the address too, and a path may have blanks.
func TestMappings(t *testing.T) {
	const smaps = `5612094b7000-56120e13c000 rw-p 00000000 00:00 0                          [heap]
VmFlags: rd wr mr mw me ac sd 
7f3a2bfff000-7f3acbfff000 rw-s 00000000 00:1b 2                          /dev/shm/qemu_back_mem.dimm1.frTB6r (deleted)
Size:             524288 kB
VmFlags: rd wr sh mr mw me ms mg 
7f3ad0000000-7f3ad4000000 rw-p 00000000 00:00 0 
7f3ad4000000-7f3ad8000000 r--p 00000000 fd:10 7                          /srv/a file
`
	want := []mapping{
		{kib: 78356, perms: "rw-p", path: "[heap]"},
		{kib: 2621440, perms: "rw-s", path: "/dev/shm/qemu_back_mem.dimm1.frTB6r (deleted)", mergeable: true},
		{kib: 65536, perms: "rw-p"},
		{kib: 65536, perms: "r--p", path: "/srv/a file"},
	}
	if got := mappings(smaps); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}
