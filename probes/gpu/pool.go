package gpu

import (
	"errors"

	"github.com/katacert/katacert/probes/gpu/cuda"
)

// chunkBytes is how much memory is taken at once: small enough to come near all
// of it, large enough that a GPU has few hundreds.
const chunkBytes = 256 << 20

// unitBytes is what every size of a chunk is a multiple of.
const unitBytes = 4096

// chunk is memory that was taken in one piece.
type chunk struct {
	start cuda.Pointer
	bytes uint64
}

// pool is much of a GPU's memory, as it was found.
type pool struct {
	engine   Engine
	chunks   []chunk
	bytes    uint64
	progress *progress
}

// takeShare takes that share of the memory which is free, as it is: nothing is
// written to it. What others take meanwhile makes it less, never an error, as
// long as there is a first chunk.
func takeShare(e Engine, share float64) (*pool, error) {
	free, _, err := e.MemoryInfo()
	if err != nil {
		return nil, err
	}
	p := &pool{engine: e}
	wanted := uint64(float64(free)*share) / unitBytes * unitBytes
	size := uint64(chunkBytes)
	for p.bytes < wanted && size >= unitBytes {
		bytes := min(size, wanted-p.bytes)
		start, err := e.Alloc(bytes)
		var failure *cuda.Error
		switch {
		case err == nil:
			p.chunks = append(p.chunks, chunk{start, bytes})
			p.bytes += bytes
		case errors.As(err, &failure) && failure.OutOfMemory():
			size /= 4 // what is left is in smaller pieces
		default:
			return nil, errors.Join(err, p.release())
		}
	}
	if p.bytes == 0 {
		return nil, errors.New("no memory of the GPU is free")
	}
	return p, nil
}

// each does something with every chunk, to the first error; doing says what.
func (p *pool) each(doing string, do func(chunk) error) error {
	done := uint64(0)
	for _, c := range p.chunks {
		if err := do(c); err != nil {
			return err
		}
		done += c.bytes
		p.progress.say(doing, done, p.bytes)
	}
	return nil
}

// release gives everything back.
func (p *pool) release() error {
	var errs []error
	for _, c := range p.chunks {
		errs = append(errs, p.engine.Free(c.start))
	}
	p.chunks = nil
	return errors.Join(errs...)
}
