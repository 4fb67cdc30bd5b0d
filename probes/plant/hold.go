package plant

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// timeToLive is how long something stays planted at most, whatever becomes of
// the run.
const timeToLive = 15 * time.Minute

// maxOrderBytes bounds what the holder reads from the act round.
const maxOrderBytes = 1 << 16

// order is what the act round tells the holder, by a pipe: the seed must not
// stand in the arguments of a process that lives through other pods' searches.
type order struct {
	Run      string `json:"run"`
	HostRoot string `json:"host_root"`
	Seed     []byte `json:"seed"`
	// NodeIP is an address of the node, if somebody told.
	NodeIP string `json:"node_ip,omitempty"`
	// Scale multiplies every bound, the time to live too.
	Scale float64 `json:"scale"`
	// OptIn are the probes that were asked for, Pods the UIDs of the run's pods.
	OptIn []string `json:"opt_in"`
	Pods  []string `json:"pods"`
}

// reportDescriptor is where the holder writes its report: the first one after
// standard error.
const reportDescriptor = 3

// Hold plants everything, reports it, and stays until it is told to end
// (SIGTERM, SIGINT), its container ends, or its time to live is over. Then it
// takes back what does not end with it. It is the body of the hidden subcommand
// hold, and returns an exit code.
func Hold([]string) int {
	// The planted process dies with the thread that started it.
	runtime.LockOSThread()
	ended, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	s, err := readOrder(os.Stdin)
	if err != nil {
		return exitUsage
	}
	ended, cancel := context.WithTimeout(ended, s.scaled(timeToLive))
	defer cancel()
	if c, err := ownContainer(); err == nil {
		go func() {
			c.wait()
			cancel()
		}()
	}
	r := report{Planted: []string{}, Failed: []string{}}
	for _, k := range kinds() {
		if ended.Err() == nil && k.put != nil && s.wants(k) {
			k.put(s, &r)
		}
	}
	reports := os.NewFile(reportDescriptor, "report")
	if err := json.NewEncoder(reports).Encode(r); err != nil {
		// Nobody knows what is planted, so nobody will look for it.
		cancel()
	}
	_ = reports.Close()
	<-ended.Done()
	if err := remove(s, kinds()); err != nil {
		return exitFailed
	}
	return exitOK
}

func readOrder(r io.Reader) (*site, error) {
	var o order
	if err := json.NewDecoder(io.LimitReader(r, maxOrderBytes)).Decode(&o); err != nil {
		return nil, err
	}
	s, err := newSite(o.Run, o.HostRoot, o.Seed)
	if err != nil {
		return nil, err
	}
	s.scale, s.nodeIP, s.optIn, s.pods = o.Scale, o.NodeIP, o.OptIn, o.Pods
	return s, nil
}

// remove takes away what the given kinds find.
func remove(s *site, all []kind) error {
	var failures error
	for _, k := range all {
		if k.remove != nil && s.wants(k) {
			failures = errors.Join(failures, k.remove(s))
		}
	}
	return failures
}
