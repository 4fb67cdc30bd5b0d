package gpu

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/katacert/katacert/probes/gpu/cuda"
	"github.com/katacert/katacert/probes/gpu/kernels"
)

// standIn is an Engine whose memory is a file, so that it outlives its users as a
// card's does, and whose kernels are Go. It says what the probes do with memory
// and answers; that the PTX computes the same is seen on a real GPU alone.
type standIn struct {
	file  *os.File
	bytes uint64
	taken map[cuda.Pointer]uint64
	// clears is set on a driver that clears memory before it gives it out.
	clears bool
	// broken changes a word after it was written.
	broken func(kernel string, memory []byte)
}

const standInBase = 0x7f00_0000_0000

func newStandIn(t *testing.T, path string, bytes uint64, clears bool) *standIn {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "memory")
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if err := file.Truncate(int64(bytes)); err != nil {
		t.Fatal(err)
	}
	return &standIn{file: file, bytes: bytes, taken: map[cuda.Pointer]uint64{}, clears: clears}
}

func (s *standIn) free() uint64 {
	free := s.bytes
	for _, bytes := range s.taken {
		free -= bytes
	}
	return free
}

func (s *standIn) MemoryInfo() (free, total uint64, err error) { return s.free(), s.bytes, nil }

// Alloc gives out the lowest place that is large enough.
func (s *standIn) Alloc(bytes uint64) (cuda.Pointer, error) {
	bytes = (bytes + unitBytes - 1) / unitBytes * unitBytes
	for place := uint64(0); place+bytes <= s.bytes; place += unitBytes {
		clash := false
		for start, size := range s.taken {
			begin := uint64(start - standInBase)
			if place < begin+size && begin < place+bytes {
				place, clash = begin+size-unitBytes, true
				break
			}
		}
		if clash {
			continue
		}
		s.taken[standInBase+cuda.Pointer(place)] = bytes
		if s.clears {
			return standInBase + cuda.Pointer(place), s.Fill(standInBase+cuda.Pointer(place), 0, bytes)
		}
		return standInBase + cuda.Pointer(place), nil
	}
	return 0, &cuda.Error{Call: "cuMemAlloc_v2", Name: "CUDA_ERROR_OUT_OF_MEMORY", Code: 2}
}

func (s *standIn) Free(p cuda.Pointer) error {
	if _, ok := s.taken[p]; !ok {
		return fmt.Errorf("%#x was not allocated", p)
	}
	delete(s.taken, p)
	return nil
}

func (s *standIn) read(p cuda.Pointer, bytes uint64) []byte {
	out := make([]byte, bytes)
	if _, err := s.file.ReadAt(out, int64(p-standInBase)); err != nil {
		panic(err)
	}
	return out
}

func (s *standIn) write(p cuda.Pointer, in []byte) {
	if _, err := s.file.WriteAt(in, int64(p-standInBase)); err != nil {
		panic(err)
	}
}

func (s *standIn) Fill(p cuda.Pointer, word uint32, bytes uint64) error {
	content := make([]byte, bytes)
	for i := 0; i+4 <= len(content); i += 4 {
		binary.LittleEndian.PutUint32(content[i:], word)
	}
	s.write(p, content)
	return nil
}

func (s *standIn) CopyIn(to cuda.Pointer, from []byte) error {
	s.write(to, from)
	return nil
}

func (s *standIn) CopyOut(to []byte, from cuda.Pointer) error {
	copy(to, s.read(from, uint64(len(to))))
	return nil
}

func (s *standIn) Time(do func() error) (time.Duration, error) {
	start := time.Now()
	err := do()
	return time.Since(start), err
}

func (s *standIn) Run(kernel string, _ cuda.Grid, a ...uint64) error {
	get := binary.LittleEndian.Uint64
	at := func(i int) cuda.Pointer { return cuda.Pointer(a[i]) }
	switch kernel {
	case kernels.Plant:
		content := s.read(at(3), kernels.CanaryBytes)
		for i := range a[1] {
			s.write(at(0)+cuda.Pointer(i*a[2]), content)
		}
	case kernels.Scan:
		memory, result := s.read(at(0), a[1]*16), s.read(at(4), 16+a[5]*8)
		for i := range a[1] {
			low, high := get(memory[i*16:]), get(memory[i*16+8:])
			if low|high != 0 {
				binary.LittleEndian.PutUint64(result[8:], get(result[8:])+1)
			}
			if low == a[2] && high == a[3] {
				if n := get(result); n < a[5] {
					binary.LittleEndian.PutUint64(result[16+n*8:], i)
				}
				binary.LittleEndian.PutUint64(result, get(result)+1)
			}
		}
		s.write(at(4), result)
	case kernels.PatternWrite:
		memory := make([]byte, a[1]*8)
		for i := range a[1] {
			binary.LittleEndian.PutUint64(memory[i*8:], kernels.Pattern(i, a[2], a[3]))
		}
		if s.broken != nil {
			s.broken(kernel, memory)
		}
		s.write(at(0), memory)
	case kernels.PatternCheck:
		memory, result := s.read(at(0), a[1]*8), s.read(at(4), 16)
		for i := range a[1] {
			if get(memory[i*8:]) != kernels.Pattern(i, a[2], a[3]) {
				binary.LittleEndian.PutUint64(result, get(result)+1)
				binary.LittleEndian.PutUint64(result[8:], min(get(result[8:]), i))
			}
		}
		s.write(at(4), result)
	case kernels.VectorAdd:
		s.words(at(0), at(1), at(2), a[3], kernel, func(x, y []uint32, sum []uint32) {
			for i := range sum {
				sum[i] = x[i] + y[i]
			}
		})
	case kernels.MatrixMultiply:
		s.words(at(0), at(1), at(2), a[3]*a[3], kernel, func(x, y []uint32, product []uint32) {
			copy(product, kernels.Multiply(x, y, int(a[3])))
		})
	default:
		return fmt.Errorf("the stand-in has no kernel %s", kernel)
	}
	return nil
}

func (s *standIn) words(a, b, out cuda.Pointer, n uint64, kernel string, do func(x, y, out []uint32)) {
	x, y, result := make([]uint32, n), make([]uint32, n), make([]uint32, n)
	copy(cuda.Bytes(x), s.read(a, n*4))
	copy(cuda.Bytes(y), s.read(b, n*4))
	do(x, y, result)
	if s.broken != nil {
		s.broken(kernel, cuda.Bytes(result))
	}
	s.write(out, cuda.Bytes(result))
}
