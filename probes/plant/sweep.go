package plant

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// goneWithin bounds the wait for the kernel to let go of what is no longer
	// held, for example a loop device that others of the node looked into.
	goneWithin = 5 * time.Second
	// goneEvery is the pause between two looks.
	goneEvery = 20 * time.Millisecond
)

// Remains lists what the witnesses of a run have left on the node whose root
// file system is mounted at hostRoot: holders, canary files, planted processes,
// message queues, loop devices and cgroups. Processes and queues are those of
// the caller's PID and IPC namespaces. It lists nothing for what is no run id.
func Remains(hostRoot, run string) []string {
	if checkRun(run) != nil {
		return nil
	}
	return remains(&site{run: run, hostRoot: hostRoot}, sweepable())
}

// Sweep ends the holders of a run and removes what its witnesses have left (see
// Remains). It returns what it removed, and an error that names what is still
// there. It touches only what carries the id of the run.
func Sweep(hostRoot, run string) (removed []string, err error) {
	if err := checkRun(run); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	removed, left, err := takeBack(&site{run: run, hostRoot: hostRoot}, sweepable())
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("still on the node after a sweep: %s", strings.Join(left, ", ")))
	}
	return removed, err
}

// Release ends the holders that belong to the caller's container, whatever
// their run, and waits until they have reverted what they planted. The
// container's main process calls it before it ends, for the container runtime
// then kills everything else at once.
func Release() error { return endAll(neighbours(), endWithin) }

// sweepable are all kinds, and the cgroups that another probe makes.
func sweepable() []kind {
	return append(kinds(), kind{name: "cgroup", find: findCgroups, remove: removeCgroups})
}

func remains(s *site, all []kind) []string {
	lines, _ := survey(s, all)
	return lines
}

func survey(s *site, all []kind) ([]string, []member) {
	processes := members(s)
	lines := find(s, all)
	for _, m := range processes {
		lines = append(lines, m.String())
	}
	return lines, processes
}

// takeBack ends the site's processes, removes what is found all the same, and
// says what was there before and is gone, and what is left.
func takeBack(s *site, all []kind) (reverted, left []string, err error) {
	before, processes := survey(s, all)
	if len(before) == 0 {
		return nil, nil, nil
	}
	err = errors.Join(endAll(processes, s.scaled(endWithin)), remove(s, all))
	left = waitGone(s, all)
	reverted = slices.DeleteFunc(before, func(line string) bool { return slices.Contains(left, line) })
	return reverted, left, err
}

// waitGone waits until nothing remains, and returns what does after goneWithin.
func waitGone(s *site, all []kind) []string {
	deadline := time.NewTimer(s.scaled(goneWithin))
	defer deadline.Stop()
	again := time.NewTicker(goneEvery)
	defer again.Stop()
	for {
		left := remains(s, all)
		if len(left) == 0 {
			return left
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return left
		}
	}
}
