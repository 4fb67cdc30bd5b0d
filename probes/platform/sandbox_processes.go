package platform

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/vsock"
)

// Tree is where a node's processes and files are: procfs, and the root file
// system. Tests read trees that were recorded on other nodes.
type Tree struct{ Proc, Root string }

// The roles of a sandbox's processes on the node.
const (
	roleShim      = "shim"
	roleVMM       = "vmm"
	roleVirtiofsd = "virtiofsd"
	roleOther     = "other"
)

// Bounds of what is told of one sandbox.
const (
	maxSandboxes        = 64
	maxSandboxProcesses = 32
	maxThreads          = 1024
	maxArguments        = 192
	maxArgumentBytes    = 4096
)

// sandboxProcesses tells of each sandbox of this run by which processes the node
// runs it, and how far these are confined. Other pods' sandboxes are left out.
func sandboxProcesses(ctx *probes.Context) evidence.Observation {
	o := SandboxProcesses(Tree{Proc: procfs, Root: ctx.HostRoot}, ctx.Run)
	if o.State == evidence.Seen {
		askConsoles(ctx, o.Values, vsock.Dial)
	}
	return o
}

// SandboxProcesses reads the processes of a run's sandboxes from a tree. The lists
// hold lines of "key=value" pairs: "sandboxes" one for each, "processes" with who
// they are and how they are confined, "arguments" in order, percent-encoded,
// "memory" with what they map that others could map too, "files" with what they
// hold open of the node, and "taps". A process belongs to a sandbox by descent from
// its shim, or by the runtime's own record of its pid.
func SandboxProcesses(tree Tree, run string) evidence.Observation {
	r, err := newReader(tree)
	if err != nil {
		return probes.Unreadable(err)
	}
	for _, p := range r.shims(run) {
		r.sandbox(p, bundleOf(p))
	}
	if r.count == 0 {
		return probes.Absent("there is no sandbox of this run on the node")
	}
	values := evidence.Values{"sandboxes": evidence.List(r.sandboxes...), "processes": evidence.List(r.processes...), "arguments": evidence.List(r.arguments...),
		"memory": evidence.List(r.memory...), "files": evidence.List(r.files...), "taps": evidence.List(r.taps...), "unread": evidence.List(r.unread...), "unflagged": evidence.List(r.unflagged...)}
	// Where the node's init process is shut off even from root, the witness's own
	// namespaces stand in: its network, processes and IPC are the node's.
	for _, pid := range []string{"1", "self"} {
		if ns, err := namespaces(filepath.Join(tree.Proc, pid)); err == nil {
			values["node_ns"] = evidence.Text(ns)
			break
		}
	}
	readKSM(tree.Root, values)
	if r.cut {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

// sandboxReader gathers the lines of all sandboxes.
type sandboxReader struct {
	tree     Tree
	all      []process
	byPID    map[int]process
	children map[int][]int
	digests  digester
	count    int
	// told are the pids whose arguments and files are told already.
	told map[int]bool
	// cut says that something was left out for its number.
	cut                                                          bool
	sandboxes, processes, arguments, memory, files, taps, unread []string
	// unflagged are monitors whose mappings were told without their flags.
	unflagged []string
}

// newReader reads which processes there are, and who is whose child.
func newReader(tree Tree) (*sandboxReader, error) {
	all, truncated, err := processes(tree.Proc)
	if err != nil {
		return nil, err
	}
	r := &sandboxReader{tree: tree, all: all, cut: truncated, byPID: map[int]process{}, children: map[int][]int{}, digests: digester{}, told: map[int]bool{}}
	for _, p := range all {
		r.byPID[p.pid] = p
		from := parent(p.dir)
		r.children[from] = append(r.children[from], p.pid)
	}
	return r, nil
}

// shims are those of the run's sandboxes.
func (r *sandboxReader) shims(run string) []process {
	var found []process
	for _, p := range r.all {
		if !p.isShim() || !strings.HasPrefix(bundleOf(p).Annotations[annotationNamespace], "katacert-"+run+"-") {
			continue
		}
		if len(found) == maxSandboxes {
			r.cut = true
			break
		}
		found = append(found, p)
	}
	r.count = len(found)
	return found
}

// sandbox reads one sandbox, beginning at its shim.
func (r *sandboxReader) sandbox(shim process, b bundle) {
	uid, id := word(b.Annotations[annotationSandboxUID]), word(b.Annotations[annotationSandboxID])
	state := kataState{}
	members := []member{{process: shim, role: roleShim, shim: shim.pid}}
	if strings.HasPrefix(shim.exe, shimPrefix+"kata") {
		state = readState(r.tree.Root, id)
		members = r.members(shim, id, state)
	}
	r.sandboxes = append(r.sandboxes, fmt.Sprintf("pod_uid=%s sandbox=%s shim=%s pid=%d hypervisor=%s shared_fs=%s cid=%s netns=%s",
		uid, id, shim.exe, shim.pid, word(state.hypervisor), word(state.sharedFS), word(state.cid), r.podNetns(shim, b, state)))
	for _, m := range members {
		m.uid = uid
		r.read(id, m)
	}
}

// member is a process of a sandbox and the part it plays.
type member struct {
	process
	role string
	// uid is the pod's.
	uid string
	// shim is the pid of its sandbox's shim.
	shim int
}

// members lists the processes of a Kata sandbox: the shim, what descends from it,
// and the pids in the runtime's own records that can be shown to be this sandbox's.
// The containers are in the guest, so every descendant is the sandbox's own.
func (r *sandboxReader) members(shim process, id string, state kataState) []member {
	pids := []int{shim.pid}
	for i := 0; i < len(pids); i++ {
		for _, child := range r.children[pids[i]] {
			if len(pids) == maxSandboxProcesses {
				r.cut = true
				break
			}
			if !slices.Contains(pids, child) {
				pids = append(pids, child)
			}
		}
	}
	for _, pid := range state.pids {
		if p, runs := r.byPID[pid]; runs && !slices.Contains(pids, pid) && !p.contained() && mentions(p, id) {
			pids = append(pids, pid)
		}
	}
	var found []member
	for _, pid := range pids {
		p := r.byPID[pid]
		budget := maxDescriptors
		switch {
		case p.pid == shim.pid && holdsVM(p, &budget):
			// Dragonball is a part of the shim.
			found = append(found, member{process: p, role: roleShim, shim: shim.pid}, member{process: p, role: roleVMM, shim: shim.pid})
		case p.pid == shim.pid:
			found = append(found, member{process: p, role: roleShim, shim: shim.pid})
		case isVMM(p.exe), holdsVM(p, &budget):
			found = append(found, member{process: p, role: roleVMM, shim: shim.pid})
		case strings.HasPrefix(p.exe, "virtiofsd"):
			found = append(found, member{process: p, role: roleVirtiofsd, shim: shim.pid})
		default:
			found = append(found, member{process: p, role: roleOther, shim: shim.pid})
		}
	}
	return found
}

// firecrackerID is to how many characters Kata cuts a sandbox's id for Firecracker, which
// is half of it (virtcontainers, fc.go).
const firecrackerID = 32

// mentions says whether a process's arguments or cgroup hold the sandbox's id, or as much
// of it as Firecracker is given.
func mentions(p process, id string) bool {
	for _, name := range []string{"cmdline", "cgroup"} {
		if data, err := kernfs.Read(filepath.Join(p.dir, name)); err == nil && id != "" && strings.Contains(string(data), id[:min(len(id), firecrackerID)]) {
			return true
		}
	}
	return false
}

// netnsLost stands for the number of a network namespace that the runtime names, and
// that is not where it says.
const netnsLost = "lost"

// podNetns is the number of the pod's network namespace: that of the file in which
// the CNI plugin keeps it, as the node or the shim sees it. "" when none is named.
func (r *sandboxReader) podNetns(shim process, b bundle, state kataState) string {
	found := ""
	for _, path := range []string{b.netns(), state.netns} {
		if !strings.HasPrefix(path, "/") {
			continue
		}
		inode, err := inodeWithin(filepath.Join(r.tree.Proc, "1/root"), path)
		if err != nil && !errors.Is(err, errNoRoot) {
			found = netnsLost
		}
		if err != nil {
			inode, err = inodeWithin(filepath.Join(shim.dir, "root"), path)
		}
		if err == nil {
			return strconv.FormatUint(inode, 10)
		}
	}
	return found
}

// errNoRoot is that a process is not there, or shows no root.
var errNoRoot = errors.New("there is no such root")

// inodeWithin is the number of a file below a root. Its links lead to where they lead for
// who has that root: /var/run/netns is below a link to /run, which is not the witness's.
func inodeWithin(root, path string) (uint64, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return 0, errNoRoot
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(dir) }()
	file, err := unix.Openat2(dir, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(file) }()
	var stat unix.Stat_t
	err = unix.Fstat(file, &stat)
	return stat.Ino, err
}

// inside is the path of a file as a process sees it. Kata's processes share the
// mount namespace of their shim, whose files are the node's; a jailed monitor has
// its own.
func (r *sandboxReader) inside(m member, path string) string {
	own, _ := os.Readlink(filepath.Join(m.dir, "ns/mnt"))
	shim, _ := os.Readlink(filepath.Join(r.byPID[m.shim].dir, "ns/mnt"))
	node := filepath.Join(r.tree.Proc, "1/root")
	_, err := os.Stat(node)
	if root, _ := os.Readlink(filepath.Join(m.dir, "root")); err == nil && own == shim && root == "/" {
		return filepath.Join(node, path)
	}
	return filepath.Join(m.dir, "root", path)
}

// readKSM adds whether the node merges equal pages of different processes
// (Documentation/admin-guide/mm/ksm.rst). A kernel without KSM has no such folder.
func readKSM(root string, values evidence.Values) {
	for _, name := range []string{"run", "pages_sharing"} {
		line, err := kernfs.Line(kernfs.Below(root, "/sys/kernel/mm/ksm/"+name))
		if number, parseErr := strconv.ParseInt(line, 10, 64); err == nil && parseErr == nil {
			values["ksm_"+name] = evidence.Number(number)
		} else if err != nil && !os.IsNotExist(err) {
			values["ksm_unread"] = evidence.Text(err.Error())
		}
	}
}
