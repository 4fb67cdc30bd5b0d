package process

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/pids"
	"github.com/katacert/katacert/probes/internal/place"
)

const (
	// maxPids bounds how many processes are looked at, and wordBytes how much of
	// each one's arguments and environment; the planted ones' are shorter.
	maxPids   = 8192
	wordBytes = 1024
	// seekProcessWithin bounds the search: the arguments of a process that hangs
	// in its memory's lock cannot be read, and who tries hangs with it.
	seekProcessWithin = 2 * time.Second
)

// sightings is what a search through the processes brought.
type sightings struct {
	seen, signalled, traced []string
	processes               int64
	truncated               bool
	err                     error
}

// plantedProcess looks for the planted process by the tokens in its arguments
// and environment, and tries to signal and to trace it.
func plantedProcess(ctx *probes.Context) evidence.Observation {
	for _, name := range []string{probes.TokenArgv, probes.TokenEnviron} {
		if ctx.Seek[name] == "" {
			return untold(name)
		}
	}
	limit := ctx.Scaled(seekProcessWithin)
	s, ended := bounded.Within(limit, func() sightings { return seekProcess(ctx) })
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("a process did not let itself be read within %v", limit)}
	}
	if s.err != nil {
		return probes.Unreadable(s.err)
	}
	values := evidence.Values{
		"seen":      evidence.List(s.seen...),
		"signalled": evidence.List(s.signalled...),
		"traced":    evidence.List(s.traced...),
		"processes": evidence.Number(s.processes),
	}
	if s.truncated {
		values["truncated"], values["unsearched"] = evidence.Number(1), evidence.Number(1)
	}
	return probes.Seen(values)
}

func seekProcess(ctx *probes.Context) sightings {
	ids, truncated, err := pids.List(maxPids)
	s := sightings{processes: int64(len(ids)), truncated: truncated, err: err}
	for _, pid := range ids {
		found := false
		if holds(ctx, probes.TokenArgv, pid, "cmdline", "") {
			found = true
			s.seen = append(s.seen, fmt.Sprintf("pid %d argv", pid))
		}
		if holds(ctx, probes.TokenEnviron, pid, "environ", place.ProcessEnv+"=") {
			found = true
			s.seen = append(s.seen, fmt.Sprintf("pid %d environ", pid))
		}
		if !found {
			continue
		}
		// Signal 0 is none: it asks whether one could be sent (kill(2)).
		if unix.Kill(pid, 0) == nil {
			s.signalled = append(s.signalled, fmt.Sprintf("pid %d", pid))
		}
		if traceable(pid) {
			s.traced = append(s.traced, fmt.Sprintf("pid %d", pid))
		}
	}
	return s
}

// holds says whether one of the words of a process's file is the token, after
// the prefix. Words of any other length are not hashed.
func holds(ctx *probes.Context, token string, pid int, file, prefix string) bool {
	words, err := pids.Words(pid, file, wordBytes)
	if err != nil {
		return false
	}
	for _, word := range words {
		value, ok := strings.CutPrefix(word, prefix)
		if ok && len(value) == place.TokenBytes && ctx.Find(token, value) {
			return true
		}
	}
	return false
}
