package gpu

import (
	"bytes"
	"errors"

	"github.com/katacert/katacert/probes/gpu/cuda"
	"github.com/katacert/katacert/probes/gpu/kernels"
)

// sharedThreads is how many threads the blocks of the kernels for shared memory
// have, and sharedBlocks how many blocks each multiprocessor gets.
const (
	sharedThreads = 256
	sharedBlocks  = 4
)

// fillShared leaves a canary in the shared memory of every multiprocessor.
func fillShared(e Engine, token [tokenBytes]byte, multiprocessors, sharedBytes int) (err error) {
	grid := sharedGrid(multiprocessors, sharedBytes)
	source, err := e.Alloc(unitBytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Free(source)) }()
	if err := e.CopyIn(source, canary(token)); err != nil {
		return err
	}
	out, err := e.Alloc(uint64(grid.BlocksX*grid.ThreadsX) * 8)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Free(out)) }()
	return e.Run(kernels.SharedFill, grid, uint64(source), uint64(sharedBytes), uint64(out))
}

// dumpShared copies out the shared memory of every multiprocessor as a kernel
// finds it at its start.
func dumpShared(e Engine, multiprocessors, sharedBytes int) (dump []byte, err error) {
	grid := sharedGrid(multiprocessors, sharedBytes)
	dump = make([]byte, grid.BlocksX*sharedBytes)
	out, err := e.Alloc(uint64(len(dump)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Free(out)) }()
	// What the driver had in this memory must not look like shared memory's.
	if err := e.CopyIn(out, dump); err != nil {
		return nil, err
	}
	if err := e.Run(kernels.SharedDump, grid, uint64(out), uint64(sharedBytes)); err != nil {
		return nil, err
	}
	return dump, e.CopyOut(dump, out)
}

func sharedGrid(multiprocessors, sharedBytes int) cuda.Grid {
	return cuda.Grid{BlocksX: multiprocessors * sharedBlocks, ThreadsX: sharedThreads, SharedBytes: sharedBytes}
}

// tokensIn lists the tokens that stand behind marks in a dump, and how many bytes
// of it are not zero.
func tokensIn(dump []byte) (tokens map[[tokenBytes]byte]int, notZero int) {
	tokens = map[[tokenBytes]byte]int{}
	for _, b := range dump {
		if b != 0 {
			notZero++
		}
	}
	for rest := dump; ; {
		i := bytes.Index(rest, []byte(mark))
		if i < 0 || len(rest)-i < kernels.CanaryBytes {
			return tokens, notZero
		}
		tokens[[tokenBytes]byte(rest[i+len(mark):i+kernels.CanaryBytes])]++
		rest = rest[i+kernels.CanaryBytes:]
	}
}
