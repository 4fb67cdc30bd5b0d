package platform

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// sandboxMemory adds up, for each pod of the run on the node, the memory that all
// of its processes on the node hold: its shims, and what runs in its cgroup or
// descends from a shim. In a virtual machine or a kernel in user space that
// includes what the containers use; nothing on the node tells the two apart.
func sandboxMemory(ctx *probes.Context) evidence.Observation {
	return measureSandboxes(procfs, ctx.Run)
}

// holding is what the processes of one pod hold, in KiB.
type holding struct {
	shims, rest int64
	processes   int
	// unread counts processes that run and whose memory could not be read.
	unread int
}

func measureSandboxes(root, run string) evidence.Observation {
	all, truncated, err := processes(root)
	if err != nil {
		return probes.Unreadable(err)
	}
	owners := ownersOf(all, run)
	if len(owners.byPID) == 0 {
		return probes.Absent("there is no sandbox of this run on the node")
	}
	pods := map[string]*holding{}
	for _, p := range all {
		uid, shim := owners.of(root, p)
		if uid == "" {
			continue
		}
		if pods[uid] == nil {
			pods[uid] = &holding{}
		}
		pods[uid].add(p, shim)
	}
	var lines []string
	for uid, held := range pods {
		lines = append(lines, fmt.Sprintf("pod_uid=%s shim_kib=%d rest_kib=%d processes=%d unread=%d", word(uid), held.shims, held.rest, held.processes, held.unread))
	}
	values := evidence.Values{"sandboxes": evidence.List(lines...)}
	if truncated {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

func (h *holding) add(p process, shim bool) {
	kib, err := heldKiB(p)
	if err != nil {
		if _, gone := kernfs.Line(filepath.Join(p.dir, "cgroup")); gone == nil {
			h.unread++
		}
		return
	}
	h.processes++
	if shim {
		h.shims += kib
	} else {
		h.rest += kib
	}
}

// owners says to which pod of the run a process belongs.
type owners struct {
	// byPID are the pods of shims, byMark those of what appears in the paths of
	// their cgroups: the pod's UID, in both of the kubelet's spellings, and the
	// sandbox's id, by which Kata names the cgroup of what it keeps outside of the
	// pod's.
	byPID  map[int]string
	byMark map[string]string
}

func ownersOf(all []process, run string) owners {
	o := owners{byPID: map[int]string{}, byMark: map[string]string{}}
	for _, p := range all {
		if !p.isShim() {
			continue
		}
		annotations := sandboxAnnotations(p)
		uid := annotations[annotationSandboxUID]
		if uid == "" || !strings.HasPrefix(annotations[annotationNamespace], "katacert-"+run+"-") {
			continue
		}
		o.byPID[p.pid] = uid
		o.byMark[uid], o.byMark[strings.ReplaceAll(uid, "-", "_")] = uid, uid
		o.byMark[annotations[annotationSandboxID]] = uid
	}
	return o
}

// maxAncestors bounds how far a process's descent is followed.
const maxAncestors = 16

// of returns the UID of the pod that a process belongs to, if it is the run's,
// and whether the process is a shim.
func (o owners) of(root string, p process) (uid string, shim bool) {
	if uid, is := o.byPID[p.pid]; is {
		return uid, true
	}
	if path, err := kernfs.Read(filepath.Join(p.dir, "cgroup")); err == nil {
		for mark, uid := range o.byMark {
			if bytes.Contains(path, []byte(mark)) {
				return uid, false
			}
		}
	}
	ancestor := parent(p.dir)
	for range maxAncestors {
		if ancestor <= 1 {
			break
		}
		if uid, is := o.byPID[ancestor]; is {
			return uid, false
		}
		ancestor = parent(filepath.Join(root, strconv.Itoa(ancestor)))
	}
	return "", false
}

// parent returns the pid of a process's parent, or 0.
func parent(dir string) int {
	stat, err := kernfs.Read(filepath.Join(dir, "stat"))
	if err != nil {
		return 0
	}
	rest, _ := afterLast(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	pid, _ := strconv.Atoi(fields[1])
	return pid
}

// heldKiB returns the memory that a process holds and that the node gets back
// only when the process ends: anonymous and shared memory, where several processes
// map a page, each its part of it (smaps_rollup of proc_pid_smaps(5); kernels
// before 5.9 tell the sum with file pages only). Huge pages are not in it, which
// Kubernetes counts apart.
func heldKiB(p process) (int64, error) {
	rollup, err := kernfs.Read(filepath.Join(p.dir, "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	fields := map[string]int64{}
	for line := range strings.Lines(string(rollup)) {
		name, value, _ := strings.Cut(line, ":")
		if kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64); err == nil {
			fields[name] = kib
		}
	}
	anonymous, has := fields["Pss_Anon"]
	if !has {
		whole, has := fields["Pss"]
		if !has {
			return 0, fmt.Errorf("%s does not tell Pss", p.dir)
		}
		return whole, nil
	}
	return anonymous + fields["Pss_Shmem"], nil
}
