// Package gpu holds the probes that look at NVIDIA GPUs from inside a container:
// which ones it sees, whether they compute, and what others left in their memory.
// They need the driver's libraries, which the container's runtime brings, and so
// live in a program of their own, gpu-probe.
package gpu

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/gpu/cuda"
)

// ParamMemoryShare names the share of a GPU's free memory that is tested and
// searched, a number up to 1.
const ParamMemoryShare = "gpu_memory_share"

// defaultShare leaves room for what the driver needs for itself.
const defaultShare = 0.95

// maxDevices bounds how many GPUs are looked at; the largest machines have 16.
const maxDevices = 16

// looks are the rounds of probes that ask what a GPU does, leftovers those of probes
// that ask what others left in it, which who is given a dead tenant's GPU asks too.
var (
	looks     = []evidence.Round{evidence.Look}
	leftovers = []evidence.Round{evidence.Look, evidence.Aftermath}
)

// Inventory lists the GPU probes in the order in which they run: what was left in
// memory is looked at before anything else of ours touches it.
func Inventory() []probes.Probe {
	all := []probes.Probe{
		{ID: "gpu-shared-memory", Rounds: leftovers, Observe: onEach(sharedMemory)},
		{ID: "gpu-residue", Rounds: leftovers, Observe: onEach(residue)},
		{ID: "gpu-device-nodes", Rounds: looks, Observe: deviceNodes},
		{ID: "gpu-cuda-devices", Rounds: looks, Observe: devices},
		{ID: "gpu-compute", Rounds: looks, Observe: onEach(computation)},
		{ID: "gpu-memory-pattern", Rounds: looks, Observe: onEach(memoryPattern)},
		{ID: "gpu-throughput", Rounds: looks, OptIn: true, Observe: onEach(speed)},
	}
	for i := range all {
		all[i].From = probes.AnyPod
	}
	return all
}

// unreachable turns the error of reaching a GPU into an observation: absent where
// there is no driver or no GPU, failed for every other reason.
func unreachable(err error) evidence.Observation {
	var failure *cuda.Error
	if errors.Is(err, cuda.ErrNoLibrary) || errors.As(err, &failure) && failure.NoDevice() {
		return probes.Absent("%v", err)
	}
	return evidence.Observation{State: evidence.Failed, Detail: err.Error()}
}

// open lists the GPUs that this process sees.
func open() (*cuda.Driver, []*cuda.Device, error) {
	driver, err := cuda.Open()
	if err != nil {
		return nil, nil, err
	}
	found, err := driver.Devices()
	if err != nil {
		return nil, nil, err
	}
	if len(found) > maxDevices {
		return nil, nil, fmt.Errorf("%d GPUs are more than the %d that are looked at", len(found), maxDevices)
	}
	return driver, found, nil
}

// devices lists what the CUDA driver gives this container.
func devices(*probes.Context) evidence.Observation {
	driver, found, err := open()
	if err != nil {
		return unreachable(err)
	}
	version, err := driver.Version()
	if err != nil {
		return unreachable(err)
	}
	var lines, uuids []string
	for _, d := range found {
		uuids = append(uuids, d.UUID)
		lines = append(lines, fmt.Sprintf("uuid=%s bus=%s name=%s memory=%d capability=%d.%d multiprocessors=%d clock_khz=%d",
			d.UUID, word(d.Bus), word(d.Name), d.Bytes, d.Major, d.Minor, d.Multiprocessors, d.ClockKHz))
	}
	return probes.Seen(evidence.Values{
		"cuda_version": evidence.Text(fmt.Sprintf("%d.%d", version/1000, version%1000/10)),
		"gpus":         evidence.List(lines...),
		"uuids":        evidence.List(uuids...),
	})
}

// word keeps a value from reading as several.
func word(value string) string { return strings.Join(strings.Fields(value), "_") }

// onEach makes a probe that looks at each GPU in turn and gives a line for each,
// which begins with its UUID.
func onEach(look func(*probes.Context, *engine) (string, error)) func(*probes.Context) evidence.Observation {
	return func(ctx *probes.Context) evidence.Observation {
		_, found, err := open()
		if err != nil {
			return unreachable(err)
		}
		if len(found) == 0 {
			return probes.Absent("the driver shows no GPU to this container")
		}
		var lines []string
		for _, device := range found {
			err := use(device, func(e *engine) error {
				line, err := look(ctx, e)
				lines = append(lines, "uuid="+device.UUID+" "+line)
				return err
			})
			if err != nil {
				return unreachable(fmt.Errorf("%s: %w", device.UUID, err))
			}
		}
		return probes.Seen(evidence.Values{"gpus": evidence.List(lines...)})
	}
}

// share is how much of the free memory the run wants looked at.
func share(ctx *probes.Context) (float64, error) {
	text := ctx.Params[ParamMemoryShare]
	if text == "" {
		return defaultShare, nil
	}
	wanted, err := strconv.ParseFloat(text, 64)
	if err != nil || !(wanted > 0 && wanted <= 1) {
		return 0, fmt.Errorf("%s=%q is no share between 0 and 1", ParamMemoryShare, text)
	}
	return wanted, nil
}

// withPool lets do work on the wanted share of the GPU's memory.
func withPool(ctx *probes.Context, e *engine, do func(*pool) error) (err error) {
	wanted, err := share(ctx)
	if err != nil {
		return err
	}
	p, err := takeShare(e, wanted)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.release()) }()
	p.progress = newProgress(ctx.Progress, e.Device().UUID, time.Now)
	return do(p)
}

// seedOf draws numbers from the round's nonce that nobody knew before.
func seedOf(ctx *probes.Context, purpose string) uint64 {
	sum := sha256.Sum256([]byte(purpose + ctx.Nonce))
	return binary.LittleEndian.Uint64(sum[:])
}

// ownToken is a token that nobody else ever planted.
func ownToken() (token [tokenBytes]byte) {
	_, _ = rand.Read(token[:]) // never fails, see crypto/rand
	return token
}

// sorted names the tokens that were found: the names of those that the run seeks,
// and how many others there are.
func sorted(ctx *probes.Context, tokens map[[tokenBytes]byte]int) (named []string, unknown int) {
	for token := range tokens {
		text := hex.EncodeToString(token[:])
		known := false
		for _, name := range probes.SeekNames() {
			if ctx.Find(name, text) {
				named, known = append(named, name), true
			}
		}
		if !known {
			unknown++
		}
	}
	slices.Sort(named)
	return named, unknown
}

// computation lets the GPU compute what Go computes too.
func computation(ctx *probes.Context, e *engine) (string, error) {
	vector, err := vectorAdd(e, seedOf(ctx, "vector"))
	if err != nil {
		return "", err
	}
	matrix, err := matrixMultiply(e, seedOf(ctx, "matrix"))
	return fmt.Sprintf("vector_elements=%d vector_wrong=%d matrix_elements=%d matrix_wrong=%d",
		vector.elements, vector.wrong, matrix.elements, matrix.wrong), err
}

// memoryPattern tests the GPU's memory, after it has shown that a flipped bit
// would be found.
func memoryPattern(ctx *probes.Context, e *engine) (line string, err error) {
	caught, err := provePattern(e, seedOf(ctx, "flipped bit"))
	if err != nil {
		return "", err
	}
	err = withPool(ctx, e, func(p *pool) error {
		wrong, where, err := testMemory(p, seedOf(ctx, "pattern"))
		line = fmt.Sprintf("tested=%d memory=%d wrong=%d flipped_bit_found=%t", p.bytes, e.Device().Bytes, wrong, caught)
		if where != "" {
			line += " first_wrong=" + where
		}
		return err
	})
	return line, err
}

// residue looks for what others left in the GPU's memory, and then shows that it
// would have found it: the same scan finds a canary of its own.
func residue(ctx *probes.Context, e *engine) (line string, err error) {
	err = withPool(ctx, e, func(p *pool) error {
		found, err := scan(p)
		if err != nil {
			return err
		}
		named, unknown := sorted(ctx, found.tokens)
		own := ownToken()
		planted, err := plantAll(p, own)
		if err != nil {
			return err
		}
		again, err := scan(p)
		if err != nil {
			return err
		}
		line = fmt.Sprintf("scanned=%d memory=%d not_zero=%d marks=%d tokens=%s unknown_tokens=%d own_planted=%d own_found=%t scan_us=%d",
			found.bytes, e.Device().Bytes, found.notZero, found.marks, orNone(named), unknown,
			planted, again.tokens[own] > 0 && again.marks >= planted, found.took.Microseconds())
		return wipe(p)
	})
	return line, err
}

// wipe leaves nothing of ours behind.
func wipe(p *pool) error {
	return p.each("wiped", func(c chunk) error { return p.engine.Fill(c.start, 0, c.bytes) })
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ",")
}

// sharedMemory looks for what others left in the memory of the multiprocessors,
// and then shows whether it would have found it.
func sharedMemory(ctx *probes.Context, e *engine) (string, error) {
	device := e.Device()
	dump, err := dumpShared(e, device.Multiprocessors, device.SharedBytes)
	if err != nil {
		return "", err
	}
	tokens, notZero := tokensIn(dump)
	named, unknown := sorted(ctx, tokens)
	own := ownToken()
	if err := fillShared(e, own, device.Multiprocessors, device.SharedBytes); err != nil {
		return "", err
	}
	again, err := dumpShared(e, device.Multiprocessors, device.SharedBytes)
	if err != nil {
		return "", err
	}
	found, _ := tokensIn(again)
	return fmt.Sprintf("dumped=%d not_zero=%d tokens=%s unknown_tokens=%d own_found=%t",
		len(dump), notZero, orNone(named), unknown, found[own] > 0), nil
}

// speed measures; its figures are recorded and compared, never demanded.
func speed(_ *probes.Context, e *engine) (string, error) {
	r, err := throughput(e)
	if err != nil {
		return "", err
	}
	if r, err = bandwidth(e, r); err != nil {
		return "", err
	}
	peakFloat, peakTensor := peaks(e.Device())
	return fmt.Sprintf("fp32_gflops=%.0f fp32_peak_gflops=%.0f bf16_gflops=%.0f bf16_peak_gflops=%.0f to_gpu_mbps=%.0f from_gpu_mbps=%.0f within_mbps=%.0f",
		r.floatOps/1e9, peakFloat/1e9, r.tensorOps/1e9, peakTensor/1e9, r.toGPU/1e6, r.fromGPU/1e6, r.within/1e6), nil
}
