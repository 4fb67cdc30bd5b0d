package plant

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/place"
)

// Names of the files that stand for a tenant's data.
const (
	datasetFile    = "dataset.bin"
	checkpointFile = "checkpoint.bin"
)

// layOutData lets a tenant's pod hold what the other tenant must not find: a
// file of the dataset and one of the weights in its volume, and a resident
// process with one token in its environment and one in its memory. The files go
// with the volume, the process with the pod.
func layOutData(ctx *probes.Context) evidence.Observation {
	if ctx.Tenant == "" {
		return probes.Absent("the pod stands for no tenant")
	}
	if err := checkRun(ctx.Run); err != nil {
		return probes.Unreadable(err)
	}
	token := func(kind string) string { return probes.Token(ctx.TenantSeed, kind) }
	laid, failed := []string{}, []string{}
	note := func(kind, where string, err error) {
		if err != nil {
			failed = append(failed, kind+": "+err.Error())
			return
		}
		laid = append(laid, kind+" "+where)
	}
	for _, file := range []struct{ kind, name string }{{probes.DataDataset, datasetFile}, {probes.DataCheckpoint, checkpointFile}} {
		path := filepath.Join(probes.DataDir, file.name)
		note(file.kind, path, writeThrough(path, token(file.kind)))
	}
	if _, err := os.Stat(probes.SecretDir); err == nil {
		note(probes.DataSecret, probes.SecretDir, nil)
	}
	pid, err := startResident(ctx, residentOrder{
		Environ: token(probes.DataEnviron), Memory: token(probes.DataMemory), Listener: token(probes.DataListener),
		Secret: probes.Token(ctx.TenantSeed, probes.ListenerKey), Scale: ctx.TimeoutScale,
	})
	for _, kind := range []string{probes.DataEnviron, probes.DataMemory, probes.DataListener} {
		note(kind, fmt.Sprintf("process %d", pid), err)
	}
	return probes.Seen(evidence.Values{"laid": evidence.List(laid...), "failed": evidence.List(failed...)})
}

// writeThrough writes a file and makes sure that it has reached the volume: a
// guest may keep what is written to itself for a while.
func writeThrough(path, content string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// startResident starts the resident process in a session of its own and returns
// its process id once it holds everything.
func startResident(ctx *probes.Context, o residentOrder) (int, error) {
	ready, childEnd, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("make a pipe for the resident process: %w", err)
	}
	defer func() { _ = ready.Close() }()
	orders, err := pipeWith(o)
	if err != nil {
		_ = childEnd.Close()
		return 0, err
	}
	resident := exec.Command(self, residentCommand, "--run", ctx.Run)
	resident.Env = []string{place.TenantEnv + "=" + o.Environ}
	resident.Dir = "/"
	resident.Stdin = orders
	resident.ExtraFiles = []*os.File{childEnd}
	resident.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = resident.Start()
	_ = childEnd.Close()
	_ = orders.Close()
	if err != nil {
		return 0, fmt.Errorf("start the resident process: %w", err)
	}
	limit := ctx.Scaled(processReadyWithin)
	err = ready.SetReadDeadline(time.Now().Add(limit))
	if err == nil {
		_, err = ready.Read(make([]byte, 1))
	}
	if err != nil {
		_ = resident.Process.Signal(unix.SIGKILL)
		return 0, fmt.Errorf("the resident process %d was not ready within %v: %w", resident.Process.Pid, limit, err)
	}
	pid := resident.Process.Pid
	return pid, resident.Process.Release()
}
