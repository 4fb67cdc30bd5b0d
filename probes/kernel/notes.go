package kernel

import (
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// kernelNotes reads the build id that the linker left in the running kernel's
// ELF notes (Documentation/ABI/testing/sysfs-kernel-notes).
func kernelNotes(*probes.Context) evidence.Observation {
	notes, err := kernfs.Read("/sys/kernel/notes")
	if err != nil {
		return probes.Unreadable(err)
	}
	id, err := buildID(notes)
	if err != nil {
		return probes.Absent("/sys/kernel/notes: %v", err)
	}
	return probes.Seen(evidence.Values{"build_id": evidence.Text(id)})
}

// noteGNUBuildID is NT_GNU_BUILD_ID of elf(5).
const noteGNUBuildID = 3

var errNoBuildID = errors.New("no GNU build id among the notes")

// buildID finds the GNU build id in a sequence of ELF notes in the machine's
// byte order, as elf(5) lays them out: three words (length of the name, length
// of the content, type), the name, the content, each padded to four bytes.
func buildID(notes []byte) (string, error) {
	const header = 12
	for len(notes) >= header {
		nameLength := binary.NativeEndian.Uint32(notes)
		contentLength := binary.NativeEndian.Uint32(notes[4:])
		kind := binary.NativeEndian.Uint32(notes[8:])
		notes = notes[header:]

		name, rest, ok := cutPadded(notes, nameLength)
		if !ok {
			return "", errors.New("a note's name is longer than the notes")
		}
		content, rest, ok := cutPadded(rest, contentLength)
		if !ok {
			return "", errors.New("a note's content is longer than the notes")
		}
		if kind == noteGNUBuildID && string(name) == "GNU\x00" && len(content) > 0 {
			return hex.EncodeToString(content), nil
		}
		notes = rest
	}
	return "", errNoBuildID
}

// cutPadded cuts length bytes and the padding after them off data. The last
// note may lack its padding.
func cutPadded(data []byte, length uint32) (cut, rest []byte, ok bool) {
	if uint64(length) > uint64(len(data)) {
		return nil, nil, false
	}
	padded := min((uint64(length)+3)&^3, uint64(len(data)))
	return data[:length], data[padded:], true
}
