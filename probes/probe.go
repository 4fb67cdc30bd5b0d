// Package probes holds the code that observes from inside a container or on the
// node. A probe never judges: it reports what it saw, that there was nothing to
// see, or how it was refused.
//
// A probe reads kernel interfaces directly, never through other programs, so
// that the same static binary works in an image that holds nothing else, in a
// guest as PID 1, and on the node.
package probes

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/evidence"
)

// Probe observes one interface.
type Probe struct {
	// ID names the probe in evidence, kebab-case.
	ID string
	// Rounds are the rounds it takes part in.
	Rounds []evidence.Round
	// From restricts it to some vantages; nil means the witness and every
	// vantage whose evidence is compared with the witness's.
	From func(evidence.Vantage) bool
	// Observe reads the interface. It fills State and the readings; ID and
	// duration are added by Observe's caller.
	Observe func(*Context) evidence.Observation
}

// Context is what a probe may know of the run it belongs to.
type Context struct {
	Run     string
	Round   evidence.Round
	Vantage evidence.Vantage
	// HostRoot is where the node's root file system is mounted in the witness's
	// pod; "/" when the witness runs on the node itself; empty elsewhere.
	HostRoot string
	// Seed is the secret from which the witness derives what it plants. Only
	// the witness has it.
	Seed []byte
	// Seek holds, by name, the SHA-256 (hex) of each planted token. Seekers get
	// the hash and never the token, so that a probe cannot find its own
	// arguments and take them for a leak.
	Seek map[string]string
	// Skip are the ids of probes to leave out, because they would cost time here
	// and show nothing.
	Skip []string
}

// Names of planted tokens, the keys of Context.Seek.
const (
	TokenFile    = "file"
	TokenArgv    = "argv"
	TokenEnviron = "environ"
	TokenKmsg    = "kmsg"
	TokenIPC     = "ipc"
	TokenSocket  = "socket"
)

// TokenNames lists every token that a witness may plant.
func TokenNames() []string {
	return []string{TokenFile, TokenArgv, TokenEnviron, TokenKmsg, TokenIPC, TokenSocket}
}

// Token derives the 256-bit token of that name from the seed, in hex.
func Token(seed []byte, name string) string {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte("katacert token " + name))
	return hex.EncodeToString(mac.Sum(nil))
}

// TokenHash is what seekers are given in place of the token.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Find looks for a planted token: whether the text is the token of that name.
func (c *Context) Find(name, text string) bool {
	want, ok := c.Seek[name]
	return ok && TokenHash(text) == want
}

// takesPart says whether the probe runs at this vantage in this round.
func (p Probe) takesPart(vantage evidence.Vantage, round evidence.Round) bool {
	return slices.Contains(p.Rounds, round) && (p.From == nil || p.From(vantage))
}

// OnlyWitness restricts a probe to the node.
func OnlyWitness(v evidence.Vantage) bool { return v == evidence.Witness }

// NotWitness restricts a probe to the vantages that must prove they see.
func NotWitness(v evidence.Vantage) bool { return v != evidence.Witness }

// Run lets every probe of the inventory that takes part in the context's round
// observe, one after the other in the given order, and returns what they saw
// and the CPU time used, in microseconds. A probe that panics has failed; the
// others still run.
func Run(ctx *Context, inventory []Probe) ([]evidence.Observation, int64) {
	before := cpuMicros()
	observations := []evidence.Observation{}
	for _, p := range inventory {
		if p.takesPart(ctx.Vantage, ctx.Round) && !slices.Contains(ctx.Skip, p.ID) {
			observations = append(observations, observe(ctx, p))
		}
	}
	return observations, cpuMicros() - before
}

func observe(ctx *Context, p Probe) (o evidence.Observation) {
	start := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			stack, _, _ := strings.Cut(string(debug.Stack()), "\n\n")
			o = evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("panic: %v (%.200s)", cause, stack)}
		}
		o.Probe = p.ID
		o.Micros = time.Since(start).Microseconds()
	}()
	return p.Observe(ctx)
}

// Seen reports readings.
func Seen(values evidence.Values) evidence.Observation {
	return evidence.Observation{State: evidence.Seen, Values: values}
}

// Absent reports that the interface does not exist here.
func Absent(format string, args ...any) evidence.Observation {
	return evidence.Observation{State: evidence.Absent, Detail: fmt.Sprintf(format, args...)}
}

// Unreadable turns the error of a read into an observation: absent when the
// interface does not exist (ENOENT, ENOSYS, ENODEV, ENOTDIR, ENOPROTOOPT,
// EAFNOSUPPORT, ENXIO), denied when access was refused (EPERM, EACCES), failed
// for every other reason.
func Unreadable(err error) evidence.Observation {
	o := evidence.Observation{State: evidence.Failed, Detail: err.Error()}
	var errno unix.Errno
	if errors.As(err, &errno) {
		o.Errno = unix.ErrnoName(errno)
		switch errno {
		case unix.ENOENT, unix.ENOSYS, unix.ENODEV, unix.ENOTDIR, unix.ENOPROTOOPT, unix.EAFNOSUPPORT, unix.ENXIO:
			o.State = evidence.Absent
		case unix.EPERM, unix.EACCES:
			o.State = evidence.Denied
		}
		return o
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		o.State = evidence.Absent
	case errors.Is(err, fs.ErrPermission):
		o.State = evidence.Denied
	}
	return o
}

func cpuMicros() int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Utime.Nano()/1000 + usage.Stime.Nano()/1000
}
