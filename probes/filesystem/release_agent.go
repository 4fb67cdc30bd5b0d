package filesystem

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// ReleaseAgentCommand is the hidden subcommand that OpenReleaseAgents is the
	// body of.
	ReleaseAgentCommand = "open-release-agents"

	agentFile   = "release_agent"
	agentWithin = 3 * time.Second
	// maxHierarchies bounds how many hierarchies are tried; a kernel has about 14
	// controllers.
	maxHierarchies = 24
	// maxAgentOutput bounds what is read of the child.
	maxAgentOutput = 8 << 10
)

// releaseAgents asks whether the program could be changed that the kernel starts
// as root of the node when a cgroup of version 1 becomes empty (cgroups(7)): at
// the mounts that are there, at a private mount of each hierarchy, and in a user
// and cgroup namespace of its own, which takes no privilege (CVE-2022-0492). It
// opens the file for writing and writes nothing. The witness only tells on which
// hierarchies of the node there is such a file.
func releaseAgents(ctx *probes.Context) evidence.Observation {
	if ctx.Vantage == evidence.Witness {
		return nodeReleaseAgents(ctx.HostRoot)
	}
	hierarchies, err := versionOne()
	if err != nil {
		return probes.Unreadable(err)
	}
	visible := cgroupMounts(ownMountinfo)
	if len(hierarchies) == 0 && len(visible) == 0 {
		return probes.Absent("no cgroup hierarchy of version 1")
	}
	limit := ctx.Scaled(agentWithin)
	a, ended := bounded.Within(limit, func() *agents {
		a := &agents{}
		for _, dir := range visible {
			a.open("mount "+dir, dir)
		}
		mounted := make(chan *agents, 1)
		go func() { mounted <- agentsOfPrivateMounts(hierarchies) }()
		a.add("private mount", <-mounted)
		a.add("user namespace", agentsOfChild())
		return a
	})
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("the kernel did not answer within %v", limit)}
	}
	return probes.Seen(evidence.Values{"opened": evidence.List(a.opened...), "tried": evidence.List(a.tried...)})
}

// nodeReleaseAgents lists the hierarchies whose root the node shows: in a cgroup
// namespace there is no release_agent.
func nodeReleaseAgents(hostRoot string) evidence.Observation {
	found := []string{}
	for _, dir := range cgroupMounts("/proc/1/mountinfo") {
		if _, err := os.Lstat(kernfs.Below(hostRoot, filepath.Join(dir, agentFile))); err == nil {
			found = append(found, dir)
		}
	}
	return probes.Seen(evidence.Values{"hierarchies": evidence.List(found...)})
}

func cgroupMounts(path string) []string {
	table, _ := mountTable(path)
	var dirs []string
	for _, m := range table {
		if m.FSType == "cgroup" && len(dirs) < maxHierarchies {
			dirs = append(dirs, m.Mountpoint)
		}
	}
	return dirs
}

// versionOne lists the hierarchies of version 1 that the process is in, each as
// the options by which mount(2) finds it.
func versionOne() ([]string, error) {
	memberships, err := kernfs.Read("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	return mountOptions(string(memberships)), nil
}

// mountOptions reads lines "id:controllers:path"; version 2 has no controllers. A
// named hierarchy without controllers has to be asked for as such.
func mountOptions(memberships string) []string {
	var all []string
	for line := range strings.Lines(memberships) {
		fields := strings.SplitN(line, ":", 3)
		if len(fields) != 3 || fields[1] == "" || len(all) == maxHierarchies {
			continue
		}
		options := fields[1]
		if strings.HasPrefix(options, "name=") {
			options = "none," + options
		}
		all = append(all, options)
	}
	return all
}

// agents collects what was opened, and what became of every attempt.
type agents struct{ opened, tried []string }

func (a *agents) add(way string, more *agents) {
	for _, line := range more.opened {
		a.opened = append(a.opened, way+" "+line)
	}
	for _, line := range more.tried {
		a.tried = append(a.tried, way+" "+line)
	}
}

func (a *agents) open(what, dir string) {
	file, err := os.OpenFile(filepath.Join(dir, agentFile), os.O_WRONLY, 0)
	if err == nil {
		_ = file.Close()
		if refused := refusesAgents(); refused != nil {
			a.tried = append(a.tried, what+": opens, but to set it is refused: "+outcome(refused))
			return
		}
		a.opened = append(a.opened, what)
	}
	result := outcome(err)
	if err == nil {
		result = "opened"
	}
	a.tried = append(a.tried, what+": "+result)
}

// refusesAgents asks the kernel, without setting anything, whether it would take
// a release agent from this process. Since the fix of CVE-2022-0492 that needs
// the privilege over the node's own user namespace, which is checked when the
// file is written and not when it is opened; and in the same way, before
// anything is mounted, when a context for a mount is given the option. Nil also
// where the kernel cannot be asked (before Linux 5.2, or by a seccomp filter).
func refusesAgents() error {
	context, err := unix.Fsopen("cgroup", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	defer func() { _ = unix.Close(context) }()
	return unix.FsconfigSetString(context, "release_agent", "/none")
}

// agentsOfPrivateMounts mounts each hierarchy in a mount namespace that ends with
// this thread, which never runs anything else. The hierarchies exist: mounting
// one anew shows it and makes nothing.
func agentsOfPrivateMounts(hierarchies []string) *agents {
	runtime.LockOSThread()
	a := &agents{}
	err := unix.Unshare(unix.CLONE_NEWNS)
	if err == nil {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	}
	if err != nil {
		a.tried = append(a.tried, "namespace: "+outcome(err))
		return a
	}
	a.mountEach(hierarchies)
	return a
}

func (a *agents) mountEach(hierarchies []string) {
	dir, err := os.MkdirTemp("", "katacert-cgroup-")
	if err != nil {
		a.tried = append(a.tried, "folder: "+outcome(err))
		return
	}
	defer func() { _ = os.Remove(dir) }()
	for _, options := range hierarchies {
		if err := unix.Mount("cgroup", dir, "cgroup", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options); err != nil {
			a.tried = append(a.tried, options+": mount "+outcome(err))
			continue
		}
		a.open(options, dir)
		_ = unix.Unmount(dir, unix.MNT_DETACH)
	}
}

// agentsOfChild lets a child in namespaces of its own try: a process with several
// threads cannot enter a user namespace.
func agentsOfChild() *agents {
	a := &agents{}
	child := exec.Command("/proc/self/exe", ReleaseAgentCommand)
	child.Env = []string{}
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   unix.SIGKILL,
	}
	var out bytes.Buffer
	child.Stdout = &limitedBuffer{to: &out, left: maxAgentOutput}
	err := child.Run()
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if what, ok := strings.CutPrefix(line, "opened "); ok {
			a.opened = append(a.opened, what)
		} else if what, ok := strings.CutPrefix(line, "tried "); ok {
			a.tried = append(a.tried, what)
		}
	}
	if err != nil {
		a.tried = append(a.tried, "child: "+outcome(err))
	}
	return a
}

// OpenReleaseAgents is what the child does in its namespaces. It writes a line
// for each attempt, and returns an exit code.
func OpenReleaseAgents(out io.Writer) int {
	hierarchies, err := versionOne()
	if err != nil {
		return 1
	}
	a := agentsOfPrivateMounts(hierarchies)
	for _, line := range a.opened {
		_, _ = fmt.Fprintln(out, "opened "+line)
	}
	for _, line := range a.tried {
		_, _ = fmt.Fprintln(out, "tried "+line)
	}
	return 0
}

// limitedBuffer takes what fits and refuses the rest, which ends the child.
type limitedBuffer struct {
	to   *bytes.Buffer
	left int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errors.New("the child says too much")
	}
	b.left -= len(p)
	return b.to.Write(p)
}
