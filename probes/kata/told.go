package kata

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// versionMarks begin the version in a file, by its role. They are what the programs
// print of themselves, whole in the file since the compiler put them together:
// linux_banner (init/version-timestamp.c) of a kernel, version() of QEMU
// (system/vl.c). Other monitors and virtiofsd put theirs together when they run.
var versionMarks = map[string]string{"kernel": "Linux version ", "hypervisor": "QEMU emulator version "}

const (
	// maxVersion is the longest version that is taken, in bytes.
	maxVersion = 96
	// headBytes holds the set-up header of an x86 kernel and what its kernel_version
	// may point at, 0x200 behind a 16-bit number.
	headBytes = 0x200 + 1<<16 + maxVersion
)

// told finds what a program or kernel says of its version in its bytes, which are
// written to it in order.
type told struct {
	mark    []byte
	head    []byte // the first bytes of a kernel
	carried []byte // the end of what was written, where a version may have begun
	found   string
}

func newTold(role string) *told { return &told{mark: []byte(versionMarks[role])} }

func (v *told) Write(p []byte) (int, error) {
	if len(v.mark) == 0 || v.found != "" {
		return len(p), nil
	}
	if missing := headBytes - len(v.head); missing > 0 {
		v.head = append(v.head, p[:min(missing, len(p))]...)
	}
	text := append(v.carried, p...)
	for rest := text; ; {
		_, after, ok := bytes.Cut(rest, v.mark)
		if !ok {
			break
		}
		if v.found = versionIn(after); v.found != "" {
			break
		}
		rest = after
	}
	keep := min(len(text), len(v.mark)+maxVersion)
	v.carried = append(v.carried[:0], text[len(text)-keep:]...)
	return len(p), nil
}

// version is what was found; empty where the file does not tell, as a compressed
// kernel of another architecture than x86.
func (v *told) version() string {
	if v.found == "" && string(v.mark) == versionMarks["kernel"] {
		return bootVersion(v.head)
	}
	return v.found
}

// bootVersion is the kernel_version of a compressed x86 kernel: its set-up header has
// the magic "HdrS" at 0x202 and at 0x20e where the text begins, less 0x200
// (Documentation/arch/x86/boot.rst).
func bootVersion(head []byte) string {
	const magicAt, pointerAt, base = 0x202, 0x20e, 0x200
	if len(head) < pointerAt+2 || string(head[magicAt:magicAt+4]) != "HdrS" {
		return ""
	}
	at := int(binary.LittleEndian.Uint16(head[pointerAt:]))
	if at == 0 || at+base >= len(head) {
		return ""
	}
	return versionIn(head[at+base:])
}

// versionIn is the version that the text begins with. A format, "%s", is none, and
// neither is one whose end is not there yet.
func versionIn(text []byte) string {
	if len(text) == 0 || text[0] < '0' || text[0] > '9' {
		return ""
	}
	end := bytes.IndexFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(".+~_-", r)
	})
	if end < 0 || end > maxVersion {
		return ""
	}
	return string(text[:end])
}
