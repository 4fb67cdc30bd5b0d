package gpu

import (
	"errors"

	"github.com/katacert/katacert/probes/gpu/cuda"
	"github.com/katacert/katacert/probes/gpu/kernels"
)

// Sizes of the computations that are checked element by element.
const (
	vectorWords = 1 << 22
	matrixRows  = 512
)

// check is the result of a computation: how many elements there were, and how
// many of them were not what the same computation gives in Go.
type check struct{ elements, wrong int }

// vectorAdd adds two vectors on the GPU.
func vectorAdd(e Engine, seed uint64) (check, error) {
	a, b := numbers(vectorWords, seed), numbers(vectorWords, ^seed)
	sum := make([]uint32, vectorWords)
	err := compute(e, a, b, sum, func(a, b, sum uint64) error {
		return e.Run(kernels.VectorAdd, wide, a, b, sum, vectorWords)
	})
	if err != nil {
		return check{}, err
	}
	result := check{elements: len(sum)}
	for i := range sum {
		if sum[i] != a[i]+b[i] {
			result.wrong++
		}
	}
	return result, nil
}

// matrixMultiply multiplies two matrices on the GPU.
func matrixMultiply(e Engine, seed uint64) (check, error) {
	a, b := numbers(matrixRows*matrixRows, seed), numbers(matrixRows*matrixRows, ^seed)
	product := make([]uint32, matrixRows*matrixRows)
	grid := cuda.Grid{BlocksX: matrixRows / 16, BlocksY: matrixRows / 16, ThreadsX: 16, ThreadsY: 16}
	err := compute(e, a, b, product, func(a, b, product uint64) error {
		return e.Run(kernels.MatrixMultiply, grid, a, b, product, matrixRows)
	})
	if err != nil {
		return check{}, err
	}
	result := check{elements: len(product)}
	for i, want := range kernels.Multiply(a, b, matrixRows) {
		if product[i] != want {
			result.wrong++
		}
	}
	return result, nil
}

// compute brings two inputs onto the GPU, runs, and fetches the output. The
// output's memory is filled before, so that a kernel which did nothing shows.
func compute(e Engine, a, b, output []uint32, run func(a, b, output uint64) error) (err error) {
	bytes := uint64(len(output)) * 4
	var places [3]cuda.Pointer
	defer func() {
		for _, place := range places {
			if place != 0 {
				err = errors.Join(err, e.Free(place))
			}
		}
	}()
	before := make([]uint32, len(output))
	for i := range before {
		before[i] = ^(a[i] + b[i])
	}
	for i, data := range [][]uint32{a, b, before} {
		if places[i], err = e.Alloc(bytes); err != nil {
			return err
		}
		if err := e.CopyIn(places[i], cuda.Bytes(data)); err != nil {
			return err
		}
	}
	if err := run(uint64(places[0]), uint64(places[1]), uint64(places[2])); err != nil {
		return err
	}
	return e.CopyOut(cuda.Bytes(output), places[2])
}

// numbers are inputs that nobody can know before the round.
func numbers(n int, seed uint64) []uint32 {
	list := make([]uint32, n)
	for i := range list {
		list[i] = uint32(kernels.Pattern(uint64(i), seed, 0))
	}
	return list
}
