package ipc

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Commands of shmctl(2) that list the segments of an IPC namespace, from
// include/uapi/linux/shm.h; x/sys has no names for them.
const (
	shmStat    = 13
	shmInfo    = 14
	shmStatAny = 15
)

// maxSegments is the kernel's default limit (kernel.shmmni) on the segments of
// an IPC namespace.
const maxSegments = 4096

// PlantSegment puts the content into a segment that everyone may read and marks
// it for removal at once: it stays, without a key, until its last user (the
// caller) has detached it or died, however that dies. It returns the segment's
// id.
func PlantSegment(content string) (int, error) {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, len(content), unix.IPC_CREAT|unix.IPC_EXCL|0o644)
	if err != nil {
		return 0, fmt.Errorf("create a shared memory segment of %d bytes: %w", len(content), err)
	}
	memory, err := unix.SysvShmAttach(id, 0, 0)
	if err == nil {
		copy(memory, content)
	}
	if _, removeErr := unix.SysvShmCtl(id, unix.IPC_RMID, nil); removeErr != nil {
		err = errors.Join(err, fmt.Errorf("mark it for removal: %w", removeErr))
	}
	if err != nil {
		return 0, fmt.Errorf("use shared memory segment %d: %w", id, err)
	}
	return id, nil
}

// FindSegment returns the id of the first segment of exactly size bytes whose
// content satisfies match, and false when there is none that the caller may
// read. It attaches segments of that size only, and only for reading.
func FindSegment(size int, match func(content string) bool) (id int, found bool, err error) {
	var descriptor unix.SysvShmDesc
	highest, err := unix.SysvShmCtl(0, shmInfo, &descriptor)
	if err != nil {
		return 0, false, fmt.Errorf("list shared memory segments: %w", err)
	}
	for index := range min(highest+1, maxSegments) {
		id, err := statSegment(index, &descriptor)
		if err != nil || descriptor.Segsz != uint64(size) {
			// An unused index fails with EINVAL, a segment of others with EACCES.
			continue
		}
		memory, err := unix.SysvShmAttach(id, 0, unix.SHM_RDONLY)
		if err != nil {
			continue
		}
		matches := match(string(memory))
		if err := unix.SysvShmDetach(memory); err != nil {
			return 0, false, fmt.Errorf("detach shared memory segment %d: %w", id, err)
		}
		if matches {
			return id, true, nil
		}
	}
	return 0, false, nil
}

func statSegment(index int, descriptor *unix.SysvShmDesc) (int, error) {
	// SHM_STAT_ANY came with Linux 4.17; sandboxes' kernels may lack it.
	id, err := unix.SysvShmCtl(index, shmStatAny, descriptor)
	if err != nil {
		id, err = unix.SysvShmCtl(index, shmStat, descriptor)
	}
	return id, err
}
