package platform

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// calledMounts lists which of the witness's files that only annotations name
// (probes.CalledFiles) are mounted somewhere where a sandbox's shim sees it, with
// the pod that the shim serves: a runtime mounts there what it shows to the guest.
// "looked" are the pods whose shims were looked at.
func calledMounts(ctx *probes.Context) evidence.Observation {
	return listCalledMounts(procfs, ctx.Run)
}

func listCalledMounts(root, run string) evidence.Observation {
	all, truncated, err := processes(root)
	if err != nil {
		return probes.Unreadable(err)
	}
	var mounts, looked []string
	for _, p := range all {
		annotations := map[string]string{}
		if p.isShim() {
			annotations = sandboxAnnotations(p)
		}
		if !strings.HasPrefix(annotations[annotationNamespace], "katacert-"+run+"-") {
			continue
		}
		table, err := kernfs.Read(filepath.Join(p.dir, "mountinfo"))
		if err != nil {
			continue // it ended meanwhile
		}
		looked = append(looked, word(annotations[annotationSandboxUID]))
		for _, name := range calledIn(string(table), run) {
			mounts = append(mounts, fmt.Sprintf("pod_uid=%s name=%s", word(annotations[annotationSandboxUID]), word(name)))
		}
	}
	if len(looked) == 0 {
		return probes.Absent("there is no sandbox of this run on the node")
	}
	values := evidence.Values{"mounts": evidence.List(mounts...), "looked": evidence.List(looked...)}
	if truncated {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

// calledIn finds the files of the run's witnesses among what is mounted, by the
// fourth field of proc_pid_mountinfo(5): the path within the file system.
func calledIn(table, run string) []string {
	var names []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		folder, name := path.Split(fields[3])
		folder = path.Base(folder)
		if strings.HasPrefix(folder, "katacert-"+run+"-") && strings.HasSuffix(folder, probes.CalledSuffix) {
			names = append(names, name)
		}
	}
	return names
}
