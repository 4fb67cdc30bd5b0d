package gpu

import (
	"errors"
	"slices"
	"time"

	"github.com/katacert/katacert/probes/gpu/cuda"
	"github.com/katacert/katacert/probes/gpu/kernels"
)

// Sizes and repetitions of what is timed.
const (
	copyBytes   = 256 << 20
	repetitions = 7
	// busy is about how long one timed kernel runs.
	busy = 40 * time.Millisecond
)

// rates are figures of a GPU, the median of several runs each.
type rates struct {
	// floatOps and tensorOps are operations per second in fp32 and, on tensor
	// cores, in bf16; tensorOps is 0 where the GPU has none.
	floatOps, tensorOps float64
	// toGPU, fromGPU and within are bytes per second of copies between the
	// machine's page-locked memory and the GPU's, and inside it, where bytes count
	// once as read and once as written.
	toGPU, fromGPU, within float64
}

// throughput measures arithmetic.
func throughput(e *engine) (r rates, err error) {
	const blocks, threads = 8, 256 // for each multiprocessor; of each block
	device := e.Device()
	grid := cuda.Grid{BlocksX: device.Multiprocessors * blocks, ThreadsX: threads}
	all := float64(grid.BlocksX * grid.ThreadsX)
	out, err := e.Alloc(uint64(all) * 4)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, e.Free(out)) }()
	if r.floatOps, err = perSecond(e, e.Module, kernels.FloatFMA, grid, out, all*kernels.FloatFMAOps); err != nil {
		return r, err
	}
	if device.Major < 8 {
		return r, nil
	}
	tensor, err := e.Load(kernels.TensorPTX)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, tensor.Unload()) }()
	const warp = 32
	r.tensorOps, err = perSecond(e, tensor, kernels.TensorMMA, grid, out, all/warp*kernels.TensorMMAOps)
	return r, err
}

// perSecond finds how many rounds keep the GPU busy for a while, and then how
// many operations a second it does.
func perSecond(e *engine, m *cuda.Module, kernel string, grid cuda.Grid, out cuda.Pointer, opsOfRound float64) (float64, error) {
	rounds := uint64(256)
	once := func() (time.Duration, error) {
		return e.Time(func() error { return m.Launch(kernel, grid, uint64(out), rounds) })
	}
	for range 2 { // the first warms up clocks and caches
		took, err := once()
		if err != nil {
			return 0, err
		}
		rounds = max(1, uint64(float64(rounds)*float64(busy)/float64(max(took, time.Microsecond))))
	}
	took, err := median(once)
	return opsOfRound * float64(rounds) / took.Seconds(), err
}

// bandwidth measures copies.
func bandwidth(e *engine, r rates) (_ rates, err error) {
	host, err := e.HostAlloc(copyBytes)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, host.Free()) }()
	a, err := e.Alloc(copyBytes)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, e.Free(a)) }()
	b, err := e.Alloc(copyBytes)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, e.Free(b)) }()
	for _, kind := range []struct {
		into  *float64
		bytes float64
		copy  func() error
	}{
		{&r.toGPU, copyBytes, func() error { return e.CopyInLocked(a, host) }},
		{&r.fromGPU, copyBytes, func() error { return e.CopyOutLocked(host, a) }},
		{&r.within, 2 * copyBytes, func() error { return e.CopyWithin(b, a, copyBytes) }},
	} {
		took, err := median(func() (time.Duration, error) { return e.Time(kind.copy) })
		if err != nil {
			return r, err
		}
		*kind.into = kind.bytes / took.Seconds()
	}
	return r, nil
}

func median(once func() (time.Duration, error)) (time.Duration, error) {
	times := make([]time.Duration, 0, repetitions)
	for range repetitions {
		took, err := once()
		if err != nil {
			return 0, err
		}
		times = append(times, max(took, time.Nanosecond))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// peaks are what the card could do at its highest clock, in operations a second;
// 0 where the architecture's width is not known. Sources: the compute capability
// table of the CUDA programming guide (arithmetic instructions), and NVIDIA's
// architecture papers for dense bf16 products of tensor cores.
func peaks(device *cuda.Device) (floatOps, tensorOps float64) {
	// Operations of one multiprocessor in one clock.
	widths := map[[2]int][2]float64{
		{7, 0}: {2 * 64, 0}, {7, 5}: {2 * 64, 0}, {8, 0}: {2 * 64, 2048}, {8, 6}: {2 * 128, 512}, {8, 9}: {2 * 128, 1024}, {9, 0}: {2 * 128, 4096},
	}
	width := widths[[2]int{device.Major, device.Minor}]
	clocks := float64(device.Multiprocessors) * float64(device.ClockKHz) * 1000
	return width[0] * clocks, width[1] * clocks
}
