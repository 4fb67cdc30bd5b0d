package gpu

import (
	"errors"
	"fmt"
	"math"

	"github.com/katacert/katacert/probes/gpu/cuda"
	"github.com/katacert/katacert/probes/gpu/kernels"
)

// testMemory writes to every word of the pool what depends on its address, reads
// it back, and does it again with every bit inverted. It returns how many words
// were wrong, and where the first one was.
func testMemory(p *pool, seed uint64) (wrong uint64, where string, err error) {
	result, err := p.engine.Alloc(unitBytes)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, p.engine.Free(result)) }()
	for _, mask := range []uint64{0, math.MaxUint64} {
		// All of it is written before any of it is read: an address line that is
		// stuck writes one place over another.
		err := p.each("wrote a pattern to", func(c chunk) error {
			return p.engine.Run(kernels.PatternWrite, wide, uint64(c.start), c.bytes/8, seed+uint64(c.start), mask)
		})
		if err != nil {
			return wrong, where, err
		}
		err = p.each("read the pattern of", func(c chunk) error {
			answer := []uint64{0, math.MaxUint64}
			if err := p.engine.CopyIn(result, cuda.Bytes(answer)); err != nil {
				return err
			}
			if err := p.engine.Run(kernels.PatternCheck, wide, uint64(c.start), c.bytes/8, seed+uint64(c.start), mask, uint64(result)); err != nil {
				return err
			}
			if err := p.engine.CopyOut(cuda.Bytes(answer), result); err != nil {
				return err
			}
			if answer[0] > 0 && wrong == 0 {
				where = fmt.Sprintf("%#x", uint64(c.start)+answer[1]*8)
			}
			wrong += answer[0]
			return nil
		})
		if err != nil {
			return wrong, where, err
		}
	}
	return wrong, where, nil
}

// provePattern shows that testMemory can fail: one bit of a word is changed
// between write and check.
func provePattern(e Engine, seed uint64) (caught bool, err error) {
	place, err := e.Alloc(2 * unitBytes)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, e.Free(place)) }()
	result := place + unitBytes
	const words, index = unitBytes / 8, 77
	if err := e.Run(kernels.PatternWrite, wide, uint64(place), words, seed, 0); err != nil {
		return false, err
	}
	flipped := []uint64{kernels.Pattern(index, seed, 0) ^ 1<<13}
	if err := e.CopyIn(place+index*8, cuda.Bytes(flipped)); err != nil {
		return false, err
	}
	answer := []uint64{0, math.MaxUint64}
	if err := e.CopyIn(result, cuda.Bytes(answer)); err != nil {
		return false, err
	}
	if err := e.Run(kernels.PatternCheck, wide, uint64(place), words, seed, 0, uint64(result)); err != nil {
		return false, err
	}
	if err := e.CopyOut(cuda.Bytes(answer), result); err != nil {
		return false, err
	}
	return answer[0] == 1 && answer[1] == index, nil
}
