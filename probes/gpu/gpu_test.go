package gpu

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/gpu/kernels"
)

const standInBytes = 24 << 20

func pooled(t *testing.T, e Engine, share float64) *pool {
	t.Helper()
	p, err := takeShare(e, share)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The canary of a tenant that is gone is found where the driver clears nothing,
// and not where it clears what it gives out.
func TestResidueIsFoundWhereMemoryIsNotCleared(t *testing.T) {
	for _, clears := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "memory")
		first := newStandIn(t, path, standInBytes, clears)
		token := ownToken()
		p := pooled(t, first, 0.9)
		planted, err := plantAll(p, token)
		if err != nil || planted == 0 {
			t.Fatalf("planted %d: %v", planted, err)
		}
		held, err := scan(p)
		if err != nil || held.marks != planted || held.tokens[token] == 0 {
			t.Fatalf("the first tenant planted %d and finds %d (%v)", planted, held.marks, err)
		}
		if err := p.release(); err != nil {
			t.Fatal(err)
		}
		second := newStandIn(t, path, standInBytes, clears)
		found, err := scan(pooled(t, second, 0.9))
		if err != nil {
			t.Fatal(err)
		}
		if got := found.tokens[token] > 0; got == clears {
			t.Errorf("clears=%t: the next tenant found the token: %t (%d marks, %d bytes not zero)", clears, got, found.marks, found.notZero)
		}
		if clears != (found.notZero == 0) {
			t.Errorf("clears=%t: %d bytes are not zero", clears, found.notZero)
		}
	}
}

func TestScanReadsNoCanaryOverTheEndOfAChunk(t *testing.T) {
	e := newStandIn(t, "", standInBytes, false)
	p := pooled(t, e, 0.1)
	last := p.chunks[len(p.chunks)-1]
	if err := e.CopyIn(last.start, append(make([]byte, last.bytes-16), mark...)); err != nil {
		t.Fatal(err)
	}
	found, err := scan(p)
	if err != nil || found.marks != 1 || len(found.tokens) != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestComputationsAreChecked(t *testing.T) {
	e := newStandIn(t, "", 64<<20, false)
	for name, compute := range map[string]func(Engine, uint64) (check, error){kernels.VectorAdd: vectorAdd, kernels.MatrixMultiply: matrixMultiply} {
		e.broken = nil
		result, err := compute(e, 7)
		if err != nil || result.wrong != 0 || result.elements == 0 {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
		e.broken = func(_ string, memory []byte) { memory[4321] ^= 4 }
		if result, err := compute(e, 7); err != nil || result.wrong != 1 {
			t.Errorf("%s with one bit flipped: %+v, %v", name, result, err)
		}
	}
	if free := e.free(); free != e.bytes {
		t.Errorf("%d bytes were not given back", e.bytes-free)
	}
}

func TestMemoryPattern(t *testing.T) {
	e := newStandIn(t, "", standInBytes, false)
	if caught, err := provePattern(e, 3); err != nil || !caught {
		t.Errorf("a flipped bit: caught %t, %v", caught, err)
	}
	if wrong, where, err := testMemory(pooled(t, e, 0.5), 3); err != nil || wrong != 0 {
		t.Errorf("sound memory: %d wrong at %s, %v", wrong, where, err)
	}
	e.broken = func(_ string, memory []byte) { memory[8*100] |= 1 } // a bit that sticks
	wrong, where, err := testMemory(pooled(t, e, 0.5), 3)
	if err != nil || wrong != 1 || !strings.HasSuffix(where, "320") {
		t.Errorf("a bit that sticks: %d wrong at %s, %v", wrong, where, err)
	}
}

func TestTakeShareLivesWithLessThanItWanted(t *testing.T) {
	e := newStandIn(t, "", standInBytes, false)
	if _, err := e.Alloc(standInBytes / 2); err != nil {
		t.Fatal(err)
	}
	p := pooled(t, e, 1)
	if p.bytes != standInBytes/2 {
		t.Errorf("took %d of %d", p.bytes, standInBytes/2)
	}
	if _, err := takeShare(e, 1); err == nil {
		t.Error("took memory where none is free")
	}
}

func TestTokensInADump(t *testing.T) {
	token := ownToken()
	dump := make([]byte, 4096)
	copy(dump[100:], canary(token))
	copy(dump[4096-kernels.CanaryBytes+1:], canary(token)) // cut off
	tokens, notZero := tokensIn(dump)
	if tokens[token] != 1 || len(tokens) != 1 || notZero == 0 {
		t.Errorf("found %v, %d bytes not zero", tokens, notZero)
	}
}

func TestShareOfMemory(t *testing.T) {
	for text, good := range map[string]bool{"": true, "0.5": true, "1": true, "0": false, "1.1": false, "NaN": false, "much": false} {
		if _, err := share(&probes.Context{Params: map[string]string{ParamMemoryShare: text}}); (err == nil) != good {
			t.Errorf("share %q: %v", text, err)
		}
	}
}

// Without a driver every probe says so, and none has failed.
func TestAbsentWithoutADriver(t *testing.T) {
	if _, _, err := open(); err == nil {
		t.Skip("there is a GPU here")
	}
	ctx := &probes.Context{Round: evidence.Look, Vantage: evidence.Subject, OptIn: []string{"gpu-throughput"}}
	observations, _ := probes.Run(ctx, Inventory())
	if len(observations) != len(Inventory()) {
		t.Errorf("%d of %d probes ran", len(observations), len(Inventory()))
	}
	for _, o := range observations {
		if o.Probe == "gpu-device-nodes" { // that there are none is seen
			if opened, ok := o.Values.List("opened"); o.State != evidence.Seen || !ok || len(opened) > 0 {
				t.Errorf("%s: %s %v", o.Probe, o.State, o.Values)
			}
			continue
		}
		if o.State != evidence.Absent || o.Detail == "" {
			t.Errorf("%s: %s %s", o.Probe, o.State, o.Detail)
		}
	}
}
