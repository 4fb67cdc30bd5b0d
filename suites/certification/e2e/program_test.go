//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/katacert/katacert/reports"
)

// result is what an ended katacert left.
type result struct {
	code           int
	stdout, stderr string
	took           time.Duration
	// peak is the most memory that the process itself held, in bytes.
	peak int64
}

// process is a running katacert.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr *transcript
	started        time.Time
	// peak is the most memory seen so far, in bytes; ended is closed with the process.
	peak  atomic.Int64
	ended chan struct{}
}

// watchMemory follows the peak of the process's own memory, without the pages of its
// program. What wait4(2) tells at the end is no use here: it counts what the tests
// themselves held when they started it.
func (p *process) watchMemory() {
	status := fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-look.C:
		}
		data, err := os.ReadFile(status)
		if err != nil {
			return
		}
		for line := range strings.Lines(string(data)) {
			if kib, ok := strings.CutPrefix(line, "RssAnon:"); ok {
				n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kib), " kB"), 10, 64)
				p.peak.Store(max(p.peak.Load(), n<<10))
			}
		}
	}
}

// transcript keeps what is written to it, and lets a reader wait for a text.
type transcript struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func newTranscript() *transcript { return &transcript{wrote: make(chan struct{})} }

func (r *transcript) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.wrote)
	r.wrote = make(chan struct{})
	return r.text.Write(p)
}

func (r *transcript) read() (string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String(), r.wrote
}

// katacert runs the program to its end.
func katacert(t *testing.T, args ...string) result {
	t.Helper()
	return start(t, nil, args...).wait(t)
}

// start runs the program; change may alter the command before it starts.
func start(t *testing.T, change func(*exec.Cmd), args ...string) *process {
	t.Helper()
	return startFor(t, commandTimeout, change, args...)
}

// startFor starts the program, and ends it when it takes longer.
func startFor(t *testing.T, timeout time.Duration, change func(*exec.Cmd), args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	p := &process{cmd: exec.CommandContext(ctx, program, args...), stdout: newTranscript(), stderr: newTranscript(), started: time.Now(), ended: make(chan struct{})}
	p.cmd.Dir = source
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	// A local cluster's keeper outlives its katacert by a moment.
	p.cmd.WaitDelay = cleanTimeout
	if change != nil {
		change(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.watchMemory()
	return p
}

// until waits until the program has written the text to standard error.
func (p *process) until(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(commandTimeout)
	for {
		written, more := p.stderr.read()
		if strings.Contains(written, text) {
			return
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("katacert never said %q, but:\n%s", text, written)
		}
	}
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *process) wait(t *testing.T) result {
	t.Helper()
	err := p.cmd.Wait()
	close(p.ended)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("run %s: %v", p.cmd, err)
	}
	r := result{code: p.cmd.ProcessState.ExitCode(), took: time.Since(p.started), peak: p.peak.Load()}
	r.stdout, _ = p.stdout.read()
	r.stderr, _ = p.stderr.read()
	t.Logf("%s: exit code %d after %s", strings.Join(p.cmd.Args, " "), r.code, r.took.Round(10*time.Millisecond))
	return r
}

// certified is a finished certification with its report.
type certified struct {
	result
	dir    string
	report *reports.Report
}

// certify runs a certification and reads its report.
func certify(t *testing.T, args ...string) certified {
	t.Helper()
	return startCertify(t, nil, args...).finish(t)
}

// running is a running certification.
type running struct {
	*process
	out string
}

func startCertify(t *testing.T, change func(*exec.Cmd), args ...string) running {
	t.Helper()
	return startCertifyFor(t, commandTimeout, change, args...)
}

// startCertifyFor starts a certification, and ends it when it takes longer.
func startCertifyFor(t *testing.T, timeout time.Duration, change func(*exec.Cmd), args ...string) running {
	t.Helper()
	out := t.TempDir()
	return running{startFor(t, timeout, change, append([]string{"certify", "--out", out}, args...)...), out}
}

func (c running) finish(t *testing.T) certified {
	t.Helper()
	done := certified{result: c.wait(t)}
	done.dir, done.report = readRun(t, c.out, done.result)
	return done
}

// readRun reads the one run below a folder of runs.
func readRun(t *testing.T, out string, r result) (string, *reports.Report) {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("%s holds %v instead of one run; standard error was:\n%s", out, runs, r.stderr)
	}
	report, err := reports.Read(runs[0])
	if err != nil {
		t.Fatalf("%v; standard error was:\n%s", err, r.stderr)
	}
	return runs[0], report
}

// requireCode fails when the program ended with another exit code.
func (r result) requireCode(t *testing.T, want int) {
	t.Helper()
	if r.code != want {
		t.Fatalf("exit code %d, want %d; it wrote\n%s\n%s", r.code, want, r.stdout, r.stderr)
	}
}

// complaint returns the one line with which the program refused, and fails when
// there is none, more than one, or one that names the texts not.
func (r result) complaint(t *testing.T, texts ...string) string {
	t.Helper()
	var complaints []string
	for line := range strings.Lines(r.stderr) {
		if said, ok := strings.CutPrefix(line, "katacert: "); ok {
			complaints = append(complaints, strings.TrimSpace(said))
		}
	}
	if len(complaints) != 1 {
		t.Fatalf("standard error must have one line of complaint, but is\n%s", r.stderr)
	}
	requireTexts(t, complaints[0], texts...)
	return complaints[0]
}

// requireTexts fails when a text is missing, however its lines are broken.
func requireTexts(t *testing.T, have string, texts ...string) {
	t.Helper()
	have = strings.Join(strings.Fields(have), " ")
	for _, text := range texts {
		if !strings.Contains(have, text) {
			t.Errorf("%.4000q does not say %q", have, text)
		}
	}
}
