// Package kernels holds the programs that katacert runs on GPUs, as PTX, and the
// same computations in Go, against which every result is checked.
//
// The PTX targets sm_52 and PTX 7.0, so that every driver since CUDA 11 compiles
// it for every GPU since Maxwell; only the bf16 kernel needs tensor cores (sm_80).
package kernels

import _ "embed" // the PTX

// PTX are the kernels that every GPU runs; TensorPTX needs compute capability 8.0.
var (
	//go:embed kernels.ptx
	PTX string
	//go:embed tensor.ptx
	TensorPTX string
)

// Names of the kernels, and their arguments. Every argument is 64 bits wide.
const (
	// VectorAdd adds: a, b, sum (addresses), n (words of 32 bits).
	VectorAdd = "vector_add"
	// MatrixMultiply multiplies square matrices of 32-bit words modulo 2^32: a, b,
	// product (addresses), n (rows). Blocks are of 16 × 16 threads.
	MatrixMultiply = "matrix_multiply"
	// PatternWrite writes to each 64-bit word what Pattern says: start (address),
	// words, seed, mask.
	PatternWrite = "pattern_write"
	// PatternCheck counts words that differ from that: start, words, seed, mask,
	// result (address of two 64-bit words: the count, and the lowest index that
	// differs, which begins as all ones).
	PatternCheck = "pattern_check"
	// Plant writes a canary of 48 bytes, which lie at an address, to the start of
	// every stride: start, strides, bytes of a stride, canary (address).
	Plant = "plant"
	// Scan looks at every 16 bytes for a mark: start, units of 16 bytes, the mark's
	// two words, result (address of 64-bit words: how many marks, how many units
	// that are not zero, then the units' indexes), most indexes.
	Scan = "scan"
	// SharedFill fills a block's shared memory with repetitions of 48 bytes: canary
	// (address), bytes of shared memory, out (address of one 64-bit word for each
	// thread of the grid, which keeps the compiler from dropping the stores).
	SharedFill = "shared_fill"
	// SharedDump copies out a block's shared memory as it finds it: out (address),
	// bytes of shared memory.
	SharedDump = "shared_dump"
	// FloatFMA does rounds of 64 fused multiply-adds in fp32 in each thread: out
	// (address of one 32-bit word for each thread), rounds.
	FloatFMA = "float_fma"
	// TensorMMA does rounds of 4 products of 16×16 by 16×8 bf16 matrices in each
	// warp: out (address of one 32-bit word for each thread), rounds.
	TensorMMA = "tensor_mma"
)

// Work of the timed kernels.
const (
	// FloatFMAOps is how many floating-point operations a thread of FloatFMA does in
	// a round, and TensorMMAOps a warp of TensorMMA.
	FloatFMAOps  = 64 * 2
	TensorMMAOps = 4 * 2 * 16 * 8 * 16
)

// CanaryBytes is the size of what Plant and SharedFill write: a mark of 16 bytes,
// for which Scan looks, and a token of 32.
const CanaryBytes = 48

// Pattern is the word that belongs at an index under a seed: it depends on every
// bit of the address, so that address lines that are swapped show.
func Pattern(index, seed, mask uint64) uint64 {
	x := index + seed
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	return x ^ mask
}

// Multiply is the product of two square matrices of n rows modulo 2^32.
func Multiply(a, b []uint32, n int) []uint32 {
	product := make([]uint32, n*n)
	for row := range n {
		line := product[row*n : (row+1)*n]
		for k := range n {
			factor, other := a[row*n+k], b[k*n:(k+1)*n]
			for column := range line {
				line[column] += factor * other[column]
			}
		}
	}
	return product
}
