package plant

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/pids"
)

// Hidden subcommands of the probe binary, and their exit codes.
const (
	holdCommand        = "hold"
	holdProcessCommand = "hold-process"

	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const (
	// maxProcesses bounds the search for processes of ours.
	maxProcesses = 32768
	// commandLineBytes bounds what is read of a process's command line.
	commandLineBytes = 4096
	// endWithin bounds the wait for a process that was told to end.
	endWithin = 5 * time.Second
)

// arguments are those of a hidden subcommand that works for the site. They say
// to whom the process belongs, and nothing more.
func (s *site) arguments(command string) []string {
	return []string{command, "--run", s.run, "--tag", s.tag}
}

// member is a process of a site: its holder or the process it planted.
type member struct {
	pid          int
	command, run string
	tag          string
}

func (m member) String() string {
	if m.command == holdCommand {
		return "holder " + strconv.Itoa(m.pid)
	}
	return "process " + strconv.Itoa(m.pid)
}

// members lists the processes of a site, holders first: what they planted ends
// with them.
func members(s *site) []member {
	return findMembers(func(m member) bool { return m.run == s.run && s.owns(namePrefix(m.run)+m.tag) })
}

// neighbours lists the holders in the caller's mount namespace, which is to say
// in its container.
func neighbours() []member {
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return nil
	}
	return findMembers(func(m member) bool {
		namespace, err := os.Readlink(pids.Path(m.pid, "ns/mnt"))
		return err == nil && namespace == own && m.command == holdCommand
	})
}

func findMembers(wanted func(member) bool) []member {
	ids, _, err := pids.List(maxProcesses)
	if err != nil {
		return nil
	}
	var found []member
	for _, pid := range ids {
		if m, ok := asMember(pid); ok && wanted(m) {
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(a, b member) int { return len(a.command) - len(b.command) })
	return found
}

// asMember looks at the arguments alone. Others can dress up as a process of
// ours; all that earns them is to be ended in its place.
func asMember(pid int) (member, bool) {
	words, err := pids.Words(pid, "cmdline", commandLineBytes)
	if err != nil || len(words) < 6 || words[2] != "--run" || words[4] != "--tag" {
		return member{}, false
	}
	m := member{pid: pid, command: words[1], run: words[3], tag: words[5]}
	return m, (m.command == holdCommand || m.command == holdProcessCommand) && checkRun(m.run) == nil && isTag(m.tag)
}

// endAll ends processes, each as end does.
func endAll(all []member, within time.Duration) error {
	var failures error
	for _, m := range all {
		if err := m.end(within); err != nil {
			failures = errors.Join(failures, fmt.Errorf("end %v: %w", m, err))
		}
	}
	return failures
}

// end tells the process to end and waits for it; after that time it kills
// it.
func (m member) end(within time.Duration) error {
	fd, err := unix.PidfdOpen(m.pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	// The descriptor now stands for one process; is it still the one meant?
	if now, ok := asMember(m.pid); !ok || now != m {
		return nil
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if err := unix.PidfdSendSignal(fd, signal, nil, 0); err != nil {
			if errors.Is(err, unix.ESRCH) {
				return nil
			}
			return err
		}
		if ended, err := waitEnd(fd, within); ended || err != nil {
			return err
		}
	}
	return fmt.Errorf("still there %v after SIGKILL", within)
}

// waitEnd waits until the process of a pidfd has ended.
func waitEnd(pidfd int, limit time.Duration) (bool, error) {
	deadline := time.Now().Add(limit)
	for {
		left := max(0, time.Until(deadline))
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(left.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return n > 0, err
	}
}
