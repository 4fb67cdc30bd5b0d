package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/katacert/katacert/probes/evidence"
)

// limit is far more than anything here takes.
const limit = 60 * time.Second

func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var out, complaints bytes.Buffer
	if code := run(t.Context(), []string{"dataset", "--dir", dir, "--samples", "300"}, &out, &complaints); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &complaints)
	}
	if !strings.HasPrefix(out.String(), "wrote 300 samples, SHA-256 ") {
		t.Errorf("printed %q", &out)
	}
	return dir
}

func TestTrainPrintsEvidence(t *testing.T) {
	t.Setenv(envPodUID, "uid-1")
	t.Setenv(envNode, "node-1")
	dir := written(t)
	var out, complaints bytes.Buffer
	args := []string{"train", "--data", dir, "--out", filepath.Join(dir, "checkpoints"), "--nonce", "n1", "--epochs", "12"}
	if code := run(t.Context(), args, &out, &complaints); code != exitOK || complaints.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, &complaints)
	}
	want := evidence.Claim{Nonce: "n1", Vantage: evidence.Trainer, Round: evidence.Look, PodUID: "uid-1", Node: "node-1"}
	observations, end, err := evidence.Decode(&out, want, evidence.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if len(observations) != 1 || observations[0].Probe != "training" || end.CPUMicros <= 0 {
		t.Fatalf("observations %+v, end %+v", observations, end)
	}
	values := observations[0].Values
	number := func(name string) int64 {
		n, ok := values.Number(name)
		if !ok {
			t.Errorf("no reading %s", name)
		}
		return n
	}
	if first, last := number("loss_first_micro"), number("loss_last_micro"); last >= first/2 || last <= 0 {
		t.Errorf("the loss goes from %d to %d", first, last)
	}
	if first, last := number("control_loss_first_micro"), number("control_loss_last_micro"); first != last || first <= 0 {
		t.Errorf("the control's loss goes from %d to %d", first, last)
	}
	if first, last := number("accuracy_first_micro"), number("accuracy_last_micro"); last <= first || last > 1_000_000 {
		t.Errorf("the accuracy goes from %d to %d", first, last)
	}
	for name, want := range map[string]int64{
		"reloaded_ok": 1, "dataset_ok": 1, "control_corrupt_refused": 1, "epochs": 12, "samples": 300, "steps": 12 * 4,
	} {
		if got := number(name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	checkpoint, err := os.Stat(filepath.Join(dir, "checkpoints", "checkpoint.bin"))
	if err != nil || checkpoint.Size() != number("checkpoint_bytes") {
		t.Errorf("checkpoint %v, evidence says %d bytes", err, number("checkpoint_bytes"))
	}
	if losses, _ := values.List("losses"); len(losses) != 13 || !strings.HasPrefix(losses[2], "epoch 02 ") {
		t.Errorf("losses %v", losses)
	}
	for _, name := range []string{"checkpoint_sha256", "dataset_sha256", "weights_sha256", "weights_again_sha256", "weights_other_seed_sha256"} {
		if sum, _ := values.Text(name); len(sum) != 64 {
			t.Errorf("%s is %q", name, sum)
		}
	}
	if name, _ := values.Text("framework"); !strings.Contains(name, "github.com/gomlx/gomlx v") {
		t.Errorf("framework %q", name)
	}
}

func TestErrors(t *testing.T) {
	damaged := written(t)
	samples := filepath.Join(damaged, "samples.bin")
	data, err := os.ReadFile(samples)
	if err != nil {
		t.Fatal(err)
	}
	data[5] ^= 1
	if err := os.WriteFile(samples, data, 0o644); err != nil {
		t.Fatal(err)
	}
	whole, none := written(t), filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"nothing":            {nil, exitUsage, "Usage:"},
		"unknown command":    {[]string{"evaluate"}, exitUsage, `unknown command "evaluate"`},
		"unknown flag":       {[]string{"train", "--gpu"}, exitUsage, "-gpu"},
		"no folder":          {[]string{"train", "--data", whole}, exitUsage, "a folder is not named"},
		"device and folders": {[]string{"train", "--data", whole, "--out", whole, "--block", none}, exitUsage, "--block stands in place"},
		"extra argument":     {[]string{"dataset", "--dir", none, "x"}, exitUsage, `unexpected argument "x"`},
		"no epochs":          {[]string{"train", "--data", whole, "--out", none, "--epochs", "0"}, exitUsage, "0 epochs"},
		"no dataset":         {[]string{"train", "--data", none, "--out", none}, exitFailed, "read the dataset's manifest: open " + none},
		"damaged dataset":    {[]string{"train", "--data", damaged, "--out", none}, exitFailed, "the dataset is damaged: samples.bin"},
		"no place for it":    {[]string{"train", "--data", whole, "--out", samples}, exitFailed, "make the folder for the checkpoint"},
		"dataset on a file":  {[]string{"dataset", "--dir", samples}, exitFailed, "write a dataset"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, complaints bytes.Buffer
			if code := run(t.Context(), c.args, &out, &complaints); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(complaints.String(), c.want) || out.Len() > 0 {
				t.Errorf("stderr %q (want %q in it), stdout %q", &complaints, c.want, &out)
			}
		})
	}
	for _, args := range [][]string{{"help"}, {"train", "-h"}, {"dataset", "--help"}} {
		if code := run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}); code != exitOK {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}

// watched tells when the evidence is whole.
type watched struct {
	sync.Mutex
	bytes.Buffer
	whole chan struct{}
	once  sync.Once
}

func (w *watched) Write(p []byte) (int, error) {
	w.Lock()
	defer w.Unlock()
	n, err := w.Buffer.Write(p)
	if bytes.Contains(w.Bytes(), []byte(`{"end":`)) {
		w.once.Do(func() { close(w.whole) })
	}
	return n, err
}

func TestHoldStaysUntilTold(t *testing.T) {
	dir := written(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	out := &watched{whole: make(chan struct{})}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"train", "--data", dir, "--out", dir, "--epochs", "1", "--hold"}, out, &bytes.Buffer{})
	}()
	expire := time.After(limit)
	select {
	case <-out.whole:
	case code := <-ended:
		t.Fatalf("ended with %d, although told to stay", code)
	case <-expire:
		t.Fatal("no evidence")
	}
	select {
	case code := <-ended:
		t.Fatalf("ended with %d right after its evidence, although told to stay", code)
	default:
	}
	cancel(errors.New("SIGTERM"))
	select {
	case code := <-ended:
		if code != exitOK {
			t.Errorf("exit code %d", code)
		}
	case <-expire:
		t.Fatal("stays after SIGTERM")
	}
}

func TestMicro(t *testing.T) {
	for value, want := range map[float64]string{
		0.5: "500000", 1e-7: "0", math.Inf(1): "9223372036854775807", 1e300: "9223372036854775807",
	} {
		if got := micro(value).String(); got != want {
			t.Errorf("%g is %s, want %s", value, got, want)
		}
	}
	if got := micro(math.NaN()).String(); got != "9223372036854775807" {
		t.Errorf("NaN is %s", got)
	}
}
