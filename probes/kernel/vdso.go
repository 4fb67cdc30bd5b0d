package kernel

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// vdso reads the build id of the vDSO, the shared object that the kernel maps
// into every process (vdso(7)), and hashes its code: gVisor's carries no build
// id (the reading is then empty). It needs no file system at all: the address
// comes from the auxiliary vector that the process got at its start.
func vdso(*probes.Context) evidence.Observation {
	vector, err := unix.Auxv()
	if err != nil {
		return probes.Unreadable(fmt.Errorf("read the auxiliary vector: %w", err))
	}
	for _, entry := range vector {
		if entry[0] != atSysinfoEhdr || entry[1] == 0 {
			continue
		}
		image, err := readMemory(entry[1])
		if err != nil {
			return probes.Unreadable(fmt.Errorf("read the vDSO: %w", err))
		}
		id, err := imageBuildID(image)
		if err != nil && !errors.Is(err, errNoBuildID) {
			return probes.Absent("vDSO: %v", err)
		}
		code, err := loaded(image)
		if err != nil {
			return probes.Absent("vDSO: %v", err)
		}
		sum := sha256.Sum256(code)
		return probes.Seen(evidence.Values{"build_id": evidence.Text(id), "sha256": evidence.Text(hex.EncodeToString(sum[:]))})
	}
	return probes.Absent("the kernel maps no vDSO (no AT_SYSINFO_EHDR)")
}

const (
	// atSysinfoEhdr is AT_SYSINFO_EHDR of getauxval(3), the vDSO's address.
	atSysinfoEhdr = 33
	// maxImage bounds the vDSO in bytes; real ones have two to four pages.
	maxImage = 64 << 10
)

// readMemory copies up to maxImage bytes of the process's own memory, from the
// address to the end of what is mapped there. The copy goes through a pipe, so
// that the kernel and not a fault finds the end of the mapping.
func readMemory(address uintptr) ([]byte, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	defer func() { _ = writer.Close() }()
	image := make([]byte, 0, maxImage)
	for len(image) < maxImage {
		// At most a page at a time, which every pipe has room for.
		written, _, errno := unix.Syscall(unix.SYS_WRITE, writer.Fd(), address+uintptr(len(image)), uintptr(os.Getpagesize()))
		if errno == unix.EFAULT && len(image) > 0 {
			break
		}
		if errno != 0 {
			return nil, errno
		}
		if written == 0 {
			break
		}
		part := image[len(image) : len(image)+int(written)]
		if _, err := io.ReadFull(reader, part); err != nil {
			return nil, err
		}
		image = image[:len(image)+int(written)]
	}
	return image, nil
}

// imageBuildID finds the build id in the PT_NOTE segments of a 64-bit ELF image
// in memory. Section headers are not used: they need not be mapped.
func imageBuildID(image []byte) (string, error) {
	var header elf.Header64
	if err := binary.Read(bytes.NewReader(image), binary.NativeEndian, &header); err != nil {
		return "", fmt.Errorf("no ELF header: %w", err)
	}
	if !bytes.HasPrefix(image, []byte(elf.ELFMAG)) || elf.Class(header.Ident[elf.EI_CLASS]) != elf.ELFCLASS64 {
		return "", errors.New("no 64-bit ELF image")
	}
	for i := range uint64(header.Phnum) {
		segment, ok := part(image, header.Phoff+i*uint64(header.Phentsize), uint64(header.Phentsize))
		if !ok {
			return "", errors.New("program headers lie outside the image")
		}
		var program elf.Prog64
		if err := binary.Read(bytes.NewReader(segment), binary.NativeEndian, &program); err != nil {
			return "", fmt.Errorf("program header %d: %w", i, err)
		}
		if elf.ProgType(program.Type) != elf.PT_NOTE {
			continue
		}
		notes, ok := part(image, program.Off, program.Filesz)
		if !ok {
			return "", errors.New("notes lie outside the image")
		}
		if id, err := buildID(notes); !errors.Is(err, errNoBuildID) {
			return id, err
		}
	}
	return "", errNoBuildID
}

// loaded returns the part of the image that its PT_LOAD segments cover. What is
// mapped behind it belongs to something else.
func loaded(image []byte) ([]byte, error) {
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, fmt.Errorf("read its program headers: %w", err)
	}
	var end uint64
	for _, program := range file.Progs {
		if program.Type == elf.PT_LOAD {
			end = max(end, program.Off+program.Filesz)
		}
	}
	code, ok := part(image, 0, end)
	if !ok || end == 0 {
		return nil, errors.New("its segments lie outside the image")
	}
	return code, nil
}

// part returns length bytes of the image from offset on.
func part(image []byte, offset, length uint64) ([]byte, bool) {
	size := uint64(len(image))
	if offset > size || length > size-offset {
		return nil, false
	}
	return image[offset : offset+length], true
}
