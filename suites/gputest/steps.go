package gputest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/fixtures/command"
	"github.com/katacert/katacert/probes/evidence"
)

// roundProbes are the probes of gpu-probe that run unless they are left out.
var roundProbes = []string{
	"gpu-shared-memory", "gpu-residue", "gpu-device-nodes", "gpu-cuda-devices", "gpu-compute", "gpu-memory-pattern", "gpu-nvml",
}

// all is every probe, with those that must be asked for.
var all = []string{"--opt-in", "gpu-throughput", "--opt-in", "boot-id", "--opt-in", "uname"}

// only leaves out every probe but these.
func only(probes ...string) []string {
	var args []string
	for _, id := range roundProbes {
		if !slices.Contains(probes, id) {
			args = append(args, "--skip", id)
		}
	}
	return args
}

// endTime is how long a tenant may take to end after it was told to.
const endTime = 20 * time.Second

// keep records evidence under the run.
func (r *run) keep(record evidence.Record) error {
	record.Schema, record.Run, record.Round = evidence.RecordSchema, r.Run, evidence.Look
	record.Pod.Node = r.node
	r.recorded[record.Target] = record
	if err := r.Keep(record); err != nil {
		return fmt.Errorf("keep the evidence of %s: %w", record.Target, err)
	}
	return nil
}

// round runs a round of gpu-probe at a place and records it under the place's own
// target. An error is returned only where evidence cannot be kept.
func (r *run) round(ctx context.Context, place Place, stage, device string, args []string) error {
	return r.roundAs(ctx, place, target(place, stage), device, args)
}

func (r *run) roundAs(ctx context.Context, place Place, target, device string, args []string) error {
	runner := r.runners[place]
	record := evidence.Record{Target: target, Vantage: place.vantage(), Started: time.Now()}
	record.Pod.Name = r.id(target)
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	record.Nonce = hex.EncodeToString(nonce)
	if runner == nil {
		record.Error, record.Finished = fmt.Sprintf("there is no %s to run", place), time.Now()
		return r.keep(record)
	}
	limited, cancel := context.WithTimeout(ctx, r.StepTime)
	defer cancel()
	argv := slices.Concat([]string{"round", "--round", string(evidence.Look), "--vantage", string(record.Vantage), "--run", r.Run, "--nonce", record.Nonce}, args)
	result, err := runner.run(limited, record.Pod.Name, device, argv, nil, &progressLines{to: r.Log})
	record.Finished = time.Now()
	if err == nil {
		var end evidence.End
		claim := evidence.Claim{Nonce: record.Nonce, Vantage: record.Vantage, Round: evidence.Look}
		record.Observations, end, err = evidence.Decode(strings.NewReader(result.Stdout), claim, evidence.DefaultLimits())
		record.CPUMicros = end.CPUMicros
	}
	took := record.Finished.Sub(record.Started).Round(10 * time.Millisecond)
	if err != nil {
		record.Error = reason(err)
		r.say("%s failed after %v: %v\n%s", target, took, err, runner.failure())
		if target == string(place)+"/"+stageLook {
			r.say("%s", runner.diagnose(limited, record.Pod.Name+"-verbose", device, argv))
		}
		return r.keep(record)
	}
	r.say("%s took %v", target, took)
	for _, o := range record.Observations {
		if o.State != evidence.Seen {
			r.say("    %s: %s %s", o.Probe, o.State, o.Detail)
		}
	}
	if o, ok := record.Observation("gpu-cuda-devices"); ok && o.State != evidence.Seen && target == string(place)+"/"+stageLook {
		brief := slices.Concat(argv[:9], only("gpu-cuda-devices", "gpu-nvml"))
		r.say("    what the runtime says: %s", runner.failure()+runner.diagnose(limited, record.Pod.Name+"-verbose", device, brief))
	}
	return r.keep(record)
}

// reason is an error as evidence keeps it: for a program what it said itself.
func reason(err error) string {
	var failed *command.Error
	if !errors.As(err, &failed) {
		return err.Error()
	}
	said := command.Tail(failed.Result.Stderr, 5)
	if said == "" {
		return err.Error()
	}
	return fmt.Sprintf("%s: %v: %s", filepath.Base(failed.Result.Argv[0]), failed.Err, said)
}

// id names a process or container after the run, so that it can be told whose it is.
func (r *run) id(target string) string {
	return "katacert-" + r.Run + "-" + strings.ReplaceAll(target, "/", "-")
}

// tenant lets gpu-probe hold a token in all of a GPU's memory, and ends it by a
// signal. While the first tenant holds, the machine's own reading of the memory in
// use is taken.
func (r *run) tenant(ctx context.Context, place Place, stage, token string, signal unix.Signal) error {
	runner := r.runners[place]
	record := evidence.Record{Target: target(place, stage), Vantage: place.vantage(), Started: time.Now()}
	record.Pod.Name = r.id(record.Target)
	if runner == nil {
		record.Error, record.Finished = fmt.Sprintf("there is no %s to run", place), time.Now()
		return r.keep(record)
	}
	limited, cancel := context.WithTimeout(ctx, r.StepTime)
	defer cancel()
	said := &watcher{wanted: holdReady, found: make(chan struct{})}
	type end struct {
		code int
		err  error
	}
	ended := make(chan end, 1)
	go func() {
		result, err := runner.run(limited, record.Pod.Name, r.device, []string{"hold", "--token", token}, said, nil)
		ended <- end{result.ExitCode, err}
	}()
	fail := func(err error) error {
		record.Error, record.Finished = reason(err), time.Now()
		r.say("%s failed: %v\n%s", record.Target, err, runner.failure())
		return r.keep(record)
	}
	select {
	case <-said.found:
	case early := <-ended:
		return fail(errors.Join(fmt.Errorf("the tenant ended before it held the GPU, with exit code %d", early.code), early.err))
	}
	if place == Native && stage == stageRelease {
		if err := r.round(ctx, Native, stageHeld, "", only("gpu-nvml")); err != nil {
			return err
		}
	}
	if err := runner.signal(limited, record.Pod.Name, signal); err != nil {
		cancel()
		<-ended
		return fail(err)
	}
	var last end
	select {
	case last = <-ended:
	case <-time.After(endTime):
		cancel()
		<-ended
		return fail(fmt.Errorf("the tenant had not ended %v after signal %v", endTime, signal))
	}
	if signal == unix.SIGTERM && last.code != 0 {
		return fail(fmt.Errorf("the tenant ended with exit code %d when it was told to: %w", last.code, last.err))
	}
	record.Finished = time.Now()
	record.Observations = []evidence.Observation{{Probe: probeTenant, State: evidence.Seen, Values: evidence.Values{
		"planted": evidence.List(said.lines("planted ")...),
		"ended":   evidence.Text(fmt.Sprintf("by signal %v, exit code %d", signal, last.code)),
	}}}
	r.say("%s planted and ended by signal %v, after %v", record.Target, signal, record.Finished.Sub(record.Started).Round(10*time.Millisecond))
	return r.keep(record)
}

// holdReady is the line by which gpu-probe says that it holds all memory.
const holdReady = "holding"

// watcher keeps lines that are written to it, and says when the wanted one comes.
type watcher struct {
	wanted string
	found  chan struct{}
	mutex  sync.Mutex
	data   []byte
	told   bool
}

// maxWatched bounds what is kept.
const maxWatched = 64 << 10

func (w *watcher) Write(p []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.data = append(w.data, p[:min(len(p), maxWatched-len(w.data))]...)
	if !w.told && bytes.Contains(append([]byte("\n"), w.data...), []byte("\n"+w.wanted+"\n")) {
		w.told = true
		close(w.found)
	}
	return len(p), nil
}

// lines are the lines that begin with a prefix, without it.
func (w *watcher) lines(prefix string) []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var found []string
	for line := range strings.Lines(string(w.data)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
			found = append(found, rest)
		}
	}
	return found
}
