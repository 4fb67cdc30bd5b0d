package plant

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	sectorBytes = 512
	// The size is drawn from this range, in KiB: 16 to 512 MiB. Its memory is
	// never used, for nobody can write to the device.
	minLoopKiB = 16 << 10
	maxLoopKiB = 512 << 10
	// loopAttempts bounds how often a device that others took first is replaced
	// by the next free one.
	loopAttempts = 16
)

// putLoop attaches a read-only loop device of a random size that begins with a
// token. Behind it lies a sparse file in memory that has no name on the node, and the kernel detaches
// the device when the holder, the only one that has it open, ends
// (LO_FLAGS_AUTOCLEAR).
func putLoop(s *site, r *report) {
	name, sectors, err := attachLoop(s)
	var device string
	if err == nil {
		device, err = loopNumbers(name)
	}
	if err != nil {
		r.failed("loop", err)
		return
	}
	r.LoopDevice, r.LoopSectors = name, sectors
	r.give(probes.ParamBlockDevice, device)
	r.planted("loop", "%s", name)
}

// loopNumbers reads the numbers of a loop device, "major:minor".
func loopNumbers(name string) (string, error) {
	device, err := kernfs.Line("/sys/class/block/" + name + "/dev")
	if err != nil {
		return "", fmt.Errorf("read the numbers of %s: %w", name, err)
	}
	return device, nil
}

func attachLoop(s *site) (name string, sectors int64, err error) {
	// procfs counts blocks of 1 KiB: an even number of sectors reads the same
	// everywhere.
	var random [8]byte
	_, _ = rand.Read(random[:])
	kib := minLoopKiB + int64(binary.NativeEndian.Uint64(random[:])%(maxLoopKiB-minLoopKiB))
	backing, err := unix.MemfdCreate(s.name(), unix.MFD_CLOEXEC)
	if err != nil {
		return "", 0, fmt.Errorf("make the file behind the loop device: %w", err)
	}
	defer func() { _ = unix.Close(backing) }()
	if err := unix.Ftruncate(backing, kib<<10); err != nil {
		return "", 0, fmt.Errorf("give the file behind the loop device its size: %w", err)
	}
	// Who reads the device finds the token where a disk has its superblock.
	if _, err := unix.Pwrite(backing, []byte(s.token(probes.TokenDevice)), 0); err != nil {
		return "", 0, fmt.Errorf("write the file behind the loop device: %w", err)
	}
	control, err := openDevice(s, "loop-control", unix.O_RDWR)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = unix.Close(control) }()
	for range loopAttempts {
		number, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return "", 0, fmt.Errorf("ask for a free loop device: %w", err)
		}
		name = "loop" + strconv.Itoa(number)
		// The descriptor is left open on purpose, see above.
		device, err := openDevice(s, name, unix.O_RDONLY)
		if err != nil {
			return "", 0, err
		}
		config := unix.LoopConfig{Fd: uint32(backing)}
		config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_READ_ONLY
		copy(config.Info.File_name[:], loopLabel(s.name()))
		err = unix.IoctlLoopConfigure(device, &config)
		if err == nil {
			return name, kib << 10 / sectorBytes, nil
		}
		_ = unix.Close(device)
		// EBUSY: others attached something to it first.
		if !errors.Is(err, unix.EBUSY) {
			return "", 0, fmt.Errorf("attach %s (LOOP_CONFIGURE needs Linux 5.8): %w", name, err)
		}
	}
	return "", 0, fmt.Errorf("%d free loop devices in a row were taken by others", loopAttempts)
}

// loopLabel is the name of the file as the kernel keeps it, at most 63 bytes
// (LO_NAME_SIZE).
func loopLabel(name string) string { return name[:min(len(name), unix.LO_NAME_SIZE-1)] }

func findLoops(s *site) []string {
	var found []string
	for device := range loops(s) {
		found = append(found, device)
	}
	return found
}

// loops yields the loop devices whose file is one that attachLoop makes for the
// site, and the name of that file.
func loops(s *site) iter.Seq2[string, string] {
	return func(yield func(device, name string) bool) {
		paths, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
		if len(paths) == 0 {
			paths, _ = filepath.Glob(kernfs.Below(s.hostRoot, "/sys/block/loop*/loop/backing_file"))
		}
		for _, path := range paths {
			backing, err := kernfs.Line(path)
			name, isMemory := strings.CutPrefix(strings.TrimSuffix(backing, " (deleted)"), "/memfd:")
			if err != nil || !isMemory || !s.owns(name) {
				continue
			}
			if !yield(filepath.Base(filepath.Dir(filepath.Dir(path))), name) {
				return
			}
		}
	}
}

func removeLoops(s *site) error {
	var failures error
	for device, name := range loops(s) {
		failures = errors.Join(failures, detachLoop(s, device, name))
	}
	return failures
}

// detachLoop detaches a loop device, after a look at whether it is still ours:
// while it is open here, it cannot be given to others without LOOP_CLR_FD.
func detachLoop(s *site, device, name string) error {
	fd, err := openDevice(s, device, unix.O_RDONLY)
	if errors.Is(err, unix.ENXIO) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	info, err := unix.IoctlLoopGetStatus64(fd)
	if errors.Is(err, unix.ENXIO) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the status of %s: %w", device, err)
	}
	if label, _, _ := bytes.Cut(info.File_name[:], []byte{0}); string(label) != loopLabel(name) {
		return nil
	}
	if err := unix.IoctlSetInt(fd, unix.LOOP_CLR_FD, 0); err != nil && !errors.Is(err, unix.ENXIO) {
		return fmt.Errorf("detach %s: %w", device, err)
	}
	return nil
}
