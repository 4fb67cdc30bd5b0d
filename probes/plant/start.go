package plant

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// reportWithin bounds the wait for the holder's report. On an idle node it
// comes after some ten milliseconds.
const reportWithin = 15 * time.Second

// startHolder starts the holder in a session of its own and returns what it
// reports. The holder keeps nothing of the caller's open: an exec ends only
// when the last process that has its output open is gone.
func startHolder(s *site) (report, error) {
	message, err := json.Marshal(order{
		Run: s.run, HostRoot: s.hostRoot, Seed: s.seed, Scale: s.scale, NodeIP: s.nodeIP, OptIn: s.optIn, Pods: s.pods,
	})
	if err != nil {
		return report{}, fmt.Errorf("write the holder's order: %w", err)
	}
	orders, orderEnd, err := os.Pipe()
	if err != nil {
		return report{}, fmt.Errorf("make a pipe for the holder's order: %w", err)
	}
	defer func() { _ = orderEnd.Close() }()
	reports, reportEnd, err := os.Pipe()
	if err != nil {
		_ = orders.Close()
		return report{}, fmt.Errorf("make a pipe for the holder's report: %w", err)
	}
	defer func() { _ = reports.Close() }()

	// Standard output and error are /dev/null. The environment is empty.
	holder := exec.Command(self, s.arguments(holdCommand)...)
	holder.Env = []string{}
	holder.Dir = "/"
	holder.Stdin = orders
	holder.ExtraFiles = []*os.File{reportEnd}
	holder.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = holder.Start()
	_ = orders.Close()
	_ = reportEnd.Close()
	if err != nil {
		return report{}, fmt.Errorf("start the holder: %w", err)
	}

	limit := s.scaled(reportWithin)
	// An order is shorter than a pipe's buffer: writing it does not wait.
	_, err = orderEnd.Write(message)
	err = errors.Join(err, orderEnd.Close(), reports.SetReadDeadline(time.Now().Add(limit)))
	var r report
	if err == nil {
		err = json.NewDecoder(reports).Decode(&r)
	}
	if err != nil {
		_ = holder.Process.Signal(os.Interrupt)
		return report{}, fmt.Errorf("wait at most %v for the report of the holder (process %d): %w", limit, holder.Process.Pid, err)
	}
	return r, holder.Process.Release()
}
