package platform

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// read adds everything that is told of one process. One that ends meanwhile is
// told as unread.
func (r *sandboxReader) read(id string, m member) {
	threads, err := readThreads(m.dir)
	ns, nsErr := namespaces(namespaced(m))
	cgroup, cgroupErr := kernfs.Read(filepath.Join(m.dir, "cgroup"))
	if err = errors.Join(err, nsErr, cgroupErr); err != nil {
		r.unread = append(r.unread, fmt.Sprintf("pod_uid=%s role=%s pid=%d why=%s", m.uid, m.role, m.pid, encoded(err.Error())))
		return
	}
	root, _ := os.Readlink(filepath.Join(m.dir, "root"))
	cwd, _ := os.Readlink(filepath.Join(m.dir, "cwd"))
	exe, _ := os.Readlink(filepath.Join(m.dir, "exe"))
	r.processes = append(r.processes, fmt.Sprintf("pod_uid=%s sandbox=%s role=%s pid=%d parent=%d exe=%s path=%s sha256=%s %s ns=%s cgroup=%s root=%s root_mount=%s cwd=%s",
		m.uid, id, m.role, m.pid, parent(m.dir), m.exe, encoded(exe), r.digests.of(m.process), threads, ns, cgroupPaths(cgroup),
		encoded(root), encoded(rootMount(m.dir)), encoded(cwd)))
	r.readMemory(m)
	if r.told[m.pid] {
		return // a monitor inside of its shim is one process in two roles
	}
	r.told[m.pid] = true
	r.readArguments(m)
	r.readDescriptors(m)
}

// readArguments adds the arguments of a process, in order.
func (r *sandboxReader) readArguments(m member) {
	data, err := kernfs.Read(filepath.Join(m.dir, "cmdline"))
	if err != nil {
		return
	}
	for n, argument := range bytes.Split(bytes.TrimSuffix(data, []byte{0}), []byte{0}) {
		if n == maxArguments {
			r.cut = true
			return
		}
		r.cut = r.cut || len(argument) > maxArgumentBytes
		r.arguments = append(r.arguments, fmt.Sprintf("pid=%d n=%03d arg=%s", m.pid, n, encoded(string(argument))))
	}
}

// threads sums up how far the threads of a process are confined: seccomp filters
// and capabilities belong to a thread.
type threads struct {
	count, unfiltered, mayGain, root int
	// effective and bounding are the capabilities of any of them.
	effective, bounding uint64
	// bare are the names of threads without a filter.
	bare []string
	uid  int
}

func (t threads) String() string {
	return fmt.Sprintf("uid=%d root_threads=%d cap_eff=%016x cap_bnd=%016x threads=%d unfiltered=%d may_gain=%d bare=%s",
		t.uid, t.root, t.effective, t.bounding, t.count, t.unfiltered, t.mayGain, strings.Join(t.bare, ","))
}

// readThreads reads proc_pid_status(5) of every thread.
func readThreads(dir string) (threads, error) {
	var t threads
	entries, err := os.ReadDir(filepath.Join(dir, "task"))
	if err != nil {
		return t, err
	}
	if len(entries) > maxThreads {
		return t, fmt.Errorf("it has %d threads, more than are looked at", len(entries))
	}
	for _, entry := range entries {
		status, err := kernfs.Read(filepath.Join(dir, "task", entry.Name(), "status"))
		if os.IsNotExist(err) || errors.Is(err, unix.ESRCH) {
			continue // it ended meanwhile
		}
		if err != nil {
			return t, err
		}
		if err := t.add(string(status)); err != nil {
			return t, fmt.Errorf("thread %s: %w", entry.Name(), err)
		}
	}
	if t.count == 0 {
		return t, fmt.Errorf("it has no threads: %w", unix.ESRCH)
	}
	return t, nil
}

// maxBare bounds how many threads without a filter are named.
const maxBare = 8

func (t *threads) add(status string) error {
	fields := map[string]string{}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	uids := strings.Fields(fields["Uid"])
	if len(uids) != 4 || fields["CapEff"] == "" || fields["Seccomp"] == "" || fields["NoNewPrivs"] == "" {
		return fmt.Errorf("its status does not tell user, capabilities, seccomp and no_new_privs")
	}
	uid, err := strconv.Atoi(uids[1])
	effective, err2 := strconv.ParseUint(fields["CapEff"], 16, 64)
	bounding, err3 := strconv.ParseUint(fields["CapBnd"], 16, 64)
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	if t.count++; t.count == 1 {
		t.uid = uid
	}
	t.effective |= effective
	t.bounding |= bounding
	if slices.Contains(uids, "0") {
		t.root++
	}
	if fields["NoNewPrivs"] != "1" {
		t.mayGain++
	}
	// SECCOMP_MODE_FILTER is 2, SECCOMP_MODE_STRICT 1 (linux/seccomp.h).
	if fields["Seccomp"] == "0" {
		t.unfiltered++
		if name := word(fields["Name"]); len(t.bare) < maxBare && !slices.Contains(t.bare, name) {
			t.bare = append(t.bare, strings.ReplaceAll(name, ",", "_"))
		}
	}
	return nil
}

// machineThread is the thread of a monitor inside its shim (Dragonball) that runs the
// machine, and starts those of its processors: it enters the pod's network namespace, and
// the shim's own threads stay in the node's (runtime-rs, dragonball/vmm_instance.rs).
const machineThread = "vmm_master"

// namespaced is the folder in /proc that shows in which namespaces a process works.
func namespaced(m member) string {
	if m.role == roleVMM && m.pid == m.shim {
		tasks, _ := filepath.Glob(filepath.Join(m.dir, "task/*/status")) // the pattern is sound
		for _, path := range tasks {
			if status, err := kernfs.Read(path); err == nil && strings.HasPrefix(string(status), "Name:\t"+machineThread+"\n") {
				return filepath.Dir(path)
			}
		}
	}
	return m.dir
}

// namespaces tells the namespaces of a process as "mnt:4026531840,net:…".
func namespaces(dir string) (string, error) {
	var all []string
	for _, kind := range []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} {
		target, err := os.Readlink(filepath.Join(dir, "ns", kind))
		if err != nil {
			return "", err
		}
		number := strings.TrimSuffix(strings.TrimPrefix(target, kind+":["), "]")
		if _, err := strconv.ParseUint(number, 10, 64); err != nil {
			return "", fmt.Errorf("%s is no namespace: %.60q", kind, target)
		}
		all = append(all, kind+":"+number)
	}
	return strings.Join(all, ","), nil
}

// cgroupPaths are the paths of a process's cgroups, in cgroup v1 those of all
// hierarchies, each once, divided by commas.
func cgroupPaths(cgroup []byte) string {
	var paths []string
	for line := range strings.Lines(string(cgroup)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if path := encoded(parts[2]); !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return strings.Join(paths, ",")
}

// rootMount tells what a process has as its root file system: the folder of which
// file system lies at "/" of its mount namespace (proc_pid_mountinfo(5)), as
// "<folder> <type>". A process that changed its root within a mount namespace
// shows the same as others there; its root link tells.
func rootMount(dir string) string {
	mounts, err := kernfs.Read(filepath.Join(dir, "mountinfo"))
	if err != nil {
		return ""
	}
	found := ""
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[4] != "/" {
			continue
		}
		if separator := slices.Index(fields, "-"); separator >= 0 && separator+1 < len(fields) {
			found = fields[3] + " " + fields[separator+1] // the last mount covers the others
		}
	}
	return found
}

// encoded keeps a text from reading as several words or values: white space,
// commas, control characters and "%" become %XX. It is cut after
// maxArgumentBytes.
func encoded(text string) string {
	var b strings.Builder
	for i := range min(len(text), maxArgumentBytes) {
		if c := text[i]; c <= ' ' || c == '%' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
