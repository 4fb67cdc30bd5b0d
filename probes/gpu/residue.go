package gpu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/katacert/katacert/probes/gpu/cuda"
	"github.com/katacert/katacert/probes/gpu/kernels"
)

// mark begins every canary in a GPU's memory. It is no secret: a scan looks for
// it and then at the token behind it, which it knows only by its hash.
const mark = "katacert-residue"

// tokenBytes is the length of the token in a canary.
const tokenBytes = kernels.CanaryBytes - len(mark)

// strideBytes is how far apart canaries are planted.
const strideBytes = 64 << 10

// mostMarks bounds how many marks of one scan are looked at.
const mostMarks = 4096

// canary is what is planted for a token.
func canary(token [tokenBytes]byte) []byte { return append([]byte(mark), token[:]...) }

// markWords are the mark as a kernel compares it.
func markWords() (uint64, uint64) {
	return binary.LittleEndian.Uint64([]byte(mark)), binary.LittleEndian.Uint64([]byte(mark)[8:])
}

// plantAll writes a canary to every stride of the pool.
func plantAll(p *pool, token [tokenBytes]byte) (planted uint64, err error) {
	source, err := p.engine.Alloc(unitBytes)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.engine.Free(source)) }()
	if err := p.engine.CopyIn(source, canary(token)); err != nil {
		return 0, err
	}
	err = p.each("left a canary in", func(c chunk) error {
		strides := c.bytes / strideBytes
		planted += strides
		return p.engine.Run(kernels.Plant, wide, uint64(c.start), strides, strideBytes, uint64(source))
	})
	return planted, err
}

// finding is what a scan found in memory.
type finding struct {
	// bytes were looked at, notZero of them lie in units of 16 that are not zero.
	bytes, notZero uint64
	// marks is how many marks there are, and tokens what stands behind those that
	// were looked at.
	marks  uint64
	tokens map[[tokenBytes]byte]int
	// took is how long the GPU was busy.
	took time.Duration
}

// scan looks through the pool for marks; nothing is written to it.
func scan(p *pool) (f finding, err error) {
	const resultWords = 2 + mostMarks
	result, err := p.engine.Alloc(resultWords * 8)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.engine.Free(result)) }()
	f.tokens = map[[tokenBytes]byte]int{}
	mark0, mark1 := markWords()
	words := make([]uint64, resultWords)
	err = p.each("searched", func(c chunk) error {
		clear(words)
		if err := p.engine.CopyIn(result, cuda.Bytes(words)); err != nil {
			return err
		}
		units := c.bytes / 16
		took, err := p.engine.Time(func() error {
			return p.engine.Run(kernels.Scan, wide, uint64(c.start), units, mark0, mark1, uint64(result), mostMarks)
		})
		if err != nil {
			return err
		}
		if err := p.engine.CopyOut(cuda.Bytes(words), result); err != nil {
			return err
		}
		f.bytes += c.bytes
		f.took += took
		f.marks += words[0]
		f.notZero += words[1] * 16
		return f.read(p.engine, c, words[2:2+min(words[0], mostMarks)])
	})
	return f, err
}

// read takes the tokens behind marks. Several of the same place are enough to
// know whose they are: a chunk that is full of canaries is not copied out whole.
func (f *finding) read(e Engine, c chunk, units []uint64) error {
	const enough = 64
	for _, unit := range units[:min(len(units), enough)] {
		offset := unit * 16
		if offset > c.bytes || c.bytes-offset < kernels.CanaryBytes {
			continue // cut off by the end of the chunk
		}
		var found [kernels.CanaryBytes]byte
		if err := e.CopyOut(found[:], c.start+cuda.Pointer(offset)); err != nil {
			return fmt.Errorf("read a canary: %w", err)
		}
		f.tokens[[tokenBytes]byte(found[len(mark):])]++
	}
	return nil
}
