package kata

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
)

// compressed is the beginning of an x86 kernel whose header points at the text.
func compressed(at uint16, text string) string {
	kernel := make([]byte, 0x400+int(at)+len(text))
	copy(kernel[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(kernel[0x20e:], at)
	copy(kernel[0x200+int(at):], text)
	return string(kernel)
}

func TestWhatAFileTellsOfItsVersion(t *testing.T) {
	filler := strings.Repeat("\x00LinuxQEMU emulator versLinux versi", 5000)
	const banner = "Linux version 6.18.15-186 (root@builder) (gcc 13.3.0) #1 SMP\n\x00"
	for what, c := range map[string]struct{ role, text, want string }{
		"kernel":             {"kernel", filler + banner + filler, "6.18.15-186"},
		"format first":       {"kernel", "Linux version %s (%s)\x00" + filler + banner, "6.18.15-186"},
		"compressed":         {"kernel", compressed(0x3000, "6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org) #1") + filler, "6.1.0-56-cloud-amd64"},
		"header at its end":  {"kernel", compressed(0xffff, "6.1.0+ (x)") + filler, "6.1.0+"},
		"points outside":     {"kernel", compressed(0xffff, "6.1.0")[:0x400], ""},
		"no pointer":         {"kernel", compressed(0, "6.1.0 x"), ""},
		"cut off":            {"kernel", filler + "Linux version 6.18.15", ""},
		"too long":           {"kernel", "Linux version 6" + strings.Repeat("1", maxVersion) + " ", ""},
		"markup":             {"kernel", "Linux version 6.1<script>", "6.1"},
		"QEMU":               {"hypervisor", filler + "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\n", "7.2.22"},
		"QEMU, no package":   {"hypervisor", "QEMU emulator version 10.2.1\nCopyright", "10.2.1"},
		"another hypervisor": {"hypervisor", filler, ""},
		"not its role":       {"virtiofsd", banner, ""},
		"empty":              {"kernel", "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			for _, pieces := range []int{1 << 30, 32 << 10, 0} {
				v := newTold(c.role)
				rest := bytes.NewBufferString(c.text)
				for rest.Len() > 0 {
					piece := pieces
					if piece == 0 {
						piece = 1 + rand.IntN(5000)
					}
					if _, err := v.Write(rest.Next(piece)); err != nil {
						t.Fatal(err)
					}
				}
				if got := v.version(); got != c.want {
					t.Errorf("in pieces of %d: %q, want %q", pieces, got, c.want)
				}
			}
		})
	}
}
