package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// Module is code that was loaded onto a GPU.
type Module struct {
	c         *Context
	handle    uintptr
	functions map[string]uintptr
}

// Options of the just-in-time compiler (enum CUjit_option).
const (
	jitErrorLog      = 5
	jitErrorLogBytes = 6
)

// Load compiles PTX for the GPU in use and loads it. The compiler's complaints
// are part of the error.
func (c *Context) Load(ptx string) (*Module, error) {
	image := append([]byte(ptx), 0)
	log := make([]byte, 4096)
	options := []int32{jitErrorLog, jitErrorLogBytes}
	// The driver writes the length used over the second value.
	values := []uintptr{uintptr(unsafe.Pointer(&log[0])), uintptr(len(log))}
	m := &Module{c: c, functions: map[string]uintptr{}}
	err := c.check("cuModuleLoadDataEx", c.api.moduleLoad(&m.handle, &image[0], uint32(len(options)), &options[0], &values[0]))
	runtime.KeepAlive(log)
	if err != nil {
		if complaint := strings.TrimSpace(text(log)); complaint != "" {
			return nil, fmt.Errorf("compile PTX: %w: %s", err, complaint)
		}
		return nil, fmt.Errorf("compile PTX: %w", err)
	}
	return m, nil
}

// Unload takes the code off the GPU.
func (m *Module) Unload() error {
	return m.c.check("cuModuleUnload", m.c.api.moduleUnload(m.handle))
}

// Grid is how often a kernel runs: blocks of threads, in two dimensions, and how
// much shared memory (bytes) each block gets beyond what it declares.
type Grid struct {
	BlocksX, BlocksY   int
	ThreadsX, ThreadsY int
	SharedBytes        int
}

// Launch queues a kernel; Synchronize waits for it and brings its errors. Every
// argument is 64 bits wide, as the kernels of package kernels declare them.
func (m *Module) Launch(kernel string, grid Grid, arguments ...uint64) error {
	function, known := m.functions[kernel]
	if !known {
		name := append([]byte(kernel), 0)
		if err := m.c.check("cuModuleGetFunction", m.c.api.moduleFunction(&function, m.handle, &name[0])); err != nil {
			return fmt.Errorf("find kernel %s: %w", kernel, err)
		}
		m.functions[kernel] = function
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	params := make([]uintptr, len(arguments)+1) // never empty
	for i := range arguments {
		pin.Pin(&arguments[i])
		params[i] = uintptr(unsafe.Pointer(&arguments[i]))
	}
	err := m.c.check("cuLaunchKernel", m.c.api.launch(function,
		uint32(grid.BlocksX), uint32(max(grid.BlocksY, 1)), 1,
		uint32(grid.ThreadsX), uint32(max(grid.ThreadsY, 1)), 1,
		uint32(grid.SharedBytes), 0, &params[0], nil))
	if err != nil {
		return fmt.Errorf("launch kernel %s: %w", kernel, err)
	}
	return nil
}

// Run launches a kernel and waits for it.
func (m *Module) Run(kernel string, grid Grid, arguments ...uint64) error {
	if err := m.Launch(kernel, grid, arguments...); err != nil {
		return err
	}
	if err := m.c.Synchronize(); err != nil {
		var failure *Error
		if errors.As(err, &failure) {
			return fmt.Errorf("run kernel %s: %w", kernel, err)
		}
		return err
	}
	return nil
}
