package gpu

import (
	"errors"
	"fmt"
	"time"

	"github.com/katacert/katacert/probes/gpu/cuda"
	"github.com/katacert/katacert/probes/gpu/kernels"
)

// Engine is one GPU in use: memory, and the kernels of package kernels. Tests put
// a stand-in in its place that keeps the memory in a file.
type Engine interface {
	// MemoryInfo returns how many bytes are free, and how many there are.
	MemoryInfo() (free, total uint64, err error)
	Alloc(bytes uint64) (cuda.Pointer, error)
	Free(p cuda.Pointer) error
	// Fill sets memory to repetitions of a word; bytes is a multiple of 4.
	Fill(p cuda.Pointer, word uint32, bytes uint64) error
	CopyIn(to cuda.Pointer, from []byte) error
	CopyOut(to []byte, from cuda.Pointer) error
	// Run runs a kernel to its end.
	Run(kernel string, grid cuda.Grid, arguments ...uint64) error
	// Time measures how long the GPU is busy with what do queues.
	Time(do func() error) (time.Duration, error)
}

// engine is a real GPU.
type engine struct {
	*cuda.Context
	*cuda.Module
}

// use lets do work with the GPU, and gives it back.
func use(device *cuda.Device, do func(*engine) error) (err error) {
	c, m, err := load(device)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Unload(), c.Close()) }()
	return do(&engine{c, m})
}

// load makes the GPU current for the calling goroutine, with the kernels on it.
func load(device *cuda.Device) (*cuda.Context, *cuda.Module, error) {
	c, err := device.Use()
	if err != nil {
		return nil, nil, fmt.Errorf("use %s: %w", device.UUID, err)
	}
	m, err := c.Load(kernels.PTX)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("load katacert's kernels onto %s: %w", device.UUID, err), c.Close())
	}
	return c, m, nil
}

// wide is a grid that keeps every multiprocessor of a GPU busy, for kernels that
// stride over their work.
var wide = cuda.Grid{BlocksX: 2048, ThreadsX: 256}
