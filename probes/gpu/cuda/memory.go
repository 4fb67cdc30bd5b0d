package cuda

import (
	"errors"
	"fmt"
	"time"
	"unsafe"
)

// MemoryInfo returns how many bytes of the GPU's memory are free, and how many
// there are.
func (c *Context) MemoryInfo() (free, total uint64, err error) {
	err = c.check("cuMemGetInfo_v2", c.api.memoryInfo(&free, &total))
	return free, total, err
}

// Alloc takes memory of the GPU, with whatever it holds: the driver does not
// promise to clear it.
func (c *Context) Alloc(bytes uint64) (Pointer, error) {
	var p Pointer
	if err := c.check("cuMemAlloc_v2", c.api.alloc(&p, bytes)); err != nil {
		return 0, fmt.Errorf("allocate %d bytes of GPU memory: %w", bytes, err)
	}
	return p, nil
}

// Free gives memory of the GPU back.
func (c *Context) Free(p Pointer) error { return c.check("cuMemFree_v2", c.api.free(p)) }

// Fill sets memory to repetitions of a 32-bit word; bytes is a multiple of 4.
func (c *Context) Fill(p Pointer, word uint32, bytes uint64) error {
	return c.check("cuMemsetD32_v2", c.api.setWords(p, word, bytes/4))
}

// CopyIn copies to the GPU, CopyOut from it.
func (c *Context) CopyIn(to Pointer, from []byte) error {
	if len(from) == 0 {
		return nil
	}
	return c.check("cuMemcpyHtoD_v2", c.api.copyIn(to, &from[0], uint64(len(from))))
}

// CopyOut copies from the GPU until the slice is full.
func (c *Context) CopyOut(to []byte, from Pointer) error {
	if len(to) == 0 {
		return nil
	}
	return c.check("cuMemcpyDtoH_v2", c.api.copyOut(&to[0], from, uint64(len(to))))
}

// HostBuffer is page-locked memory of the machine, which the GPU reads and
// writes by itself.
type HostBuffer struct {
	c       *Context
	address uintptr
	bytes   uint64
}

// HostAlloc takes page-locked memory of the machine.
func (c *Context) HostAlloc(bytes uint64) (*HostBuffer, error) {
	buffer := &HostBuffer{c: c, bytes: bytes}
	if err := c.check("cuMemHostAlloc", c.api.hostAlloc(&buffer.address, bytes, 0)); err != nil {
		return nil, fmt.Errorf("lock %d bytes of the machine's memory: %w", bytes, err)
	}
	return buffer, nil
}

// Free gives the buffer back.
func (b *HostBuffer) Free() error { return b.c.check("cuMemFreeHost", b.c.api.hostFree(b.address)) }

// CopyInLocked queues a copy of the whole buffer to the GPU; Synchronize waits
// for it.
func (c *Context) CopyInLocked(to Pointer, from *HostBuffer) error {
	return c.check("cuMemcpyHtoDAsync_v2", c.api.copyInAsync(to, from.address, from.bytes, 0))
}

// CopyOutLocked queues a copy from the GPU that fills the buffer.
func (c *Context) CopyOutLocked(to *HostBuffer, from Pointer) error {
	return c.check("cuMemcpyDtoHAsync_v2", c.api.copyOutAsync(to.address, from, to.bytes, 0))
}

// CopyWithin queues a copy inside the GPU's memory.
func (c *Context) CopyWithin(to, from Pointer, bytes uint64) error {
	return c.check("cuMemcpyDtoDAsync_v2", c.api.copyWithinAsync(to, from, bytes, 0))
}

// Time measures with the GPU's own events how long what do queues keeps it busy,
// to half a microsecond.
func (c *Context) Time(do func() error) (took time.Duration, err error) {
	var start, end uintptr
	if err := c.check("cuEventCreate", c.api.eventCreate(&start, 0)); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.check("cuEventDestroy_v2", c.api.eventDestroy(start))) }()
	if err := c.check("cuEventCreate", c.api.eventCreate(&end, 0)); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.check("cuEventDestroy_v2", c.api.eventDestroy(end))) }()
	if err := c.check("cuEventRecord", c.api.eventRecord(start, 0)); err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	if err := c.check("cuEventRecord", c.api.eventRecord(end, 0)); err != nil {
		return 0, err
	}
	if err := c.check("cuEventSynchronize", c.api.eventSynchronize(end)); err != nil {
		return 0, err
	}
	var millis float32
	if err := c.check("cuEventElapsedTime", c.api.eventElapsed(&millis, start, end)); err != nil {
		return 0, err
	}
	return time.Duration(float64(millis) * float64(time.Millisecond)), nil
}

// Bytes views numbers as the bytes that the GPU sees; both sides are little-endian.
func Bytes[T uint32 | uint64](numbers []T) []byte {
	if len(numbers) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&numbers[0])), len(numbers)*int(unsafe.Sizeof(numbers[0])))
}
