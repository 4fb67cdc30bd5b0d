// Package kata observes on the node what Kata Containers is made of there: the
// configuration of containerd or CRI-O and of Kata for one handler, and the programs
// and images that it names. Its probes are the witness's alone, and read only.
package kata

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// Probes returns the probes of the group in the order in which they run.
func Probes() []probes.Probe {
	return []probes.Probe{
		{ID: "kata-files", Rounds: []evidence.Round{evidence.Look}, From: probes.OnlyWitness, OptIn: true, Observe: kataFiles},
		{ID: "kata-digests", Rounds: []evidence.Round{evidence.Look, evidence.Settle}, From: probes.OnlyWitness, OptIn: true, Observe: kataDigests},
	}
}

// digestsWithin bounds how long a round hashes; the largest image of Kata's has
// some 600 MiB.
const digestsWithin = 10 * time.Second

// kataFiles reads the configuration of the handler under certification: the container
// runtime's files in "files", with Kata's where the handler is Kata's, and what they name in
// "programs"; both as JSON objects. Which file wins over which is for the judge.
func kataFiles(ctx *probes.Context) evidence.Observation {
	t, err := openTree(ctx.HostRoot)
	if err != nil {
		return probes.Unreadable(err)
	}
	defer t.close()
	return observeFiles(t, ctx.Params[probes.ParamHandler], findDaemons(kernfs.Below(ctx.HostRoot, "/proc")))
}

func observeFiles(t *tree, handler string, running daemon) evidence.Observation {
	n := read(t, handler, running)
	values := evidence.Values{
		"handler": evidence.Text(handler), "roots": evidence.List(rootsOf(running)...), "files": lines(n.reader.files),
		"config_variable": evidence.Text(running.kataConfig),
	}
	if n.crio != nil {
		values["crio_config"], values["crio_folder"] = evidence.Text(n.crio.config), evidence.Text(n.crio.folder)
		if n.crio.overridden {
			values["crio_overridden"] = evidence.Number(1)
		}
	}
	if n.runtime.isKata() {
		values["programs"] = lines(n.programs)
	}
	if n.reader.cut {
		values["truncated"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

// rootsOf are the files at which containerd begins: those of its command lines, or
// the usual ones where no containerd is seen to run.
func rootsOf(running daemon) []string {
	if len(running.configs) > 0 {
		return running.configs
	}
	return usualConfigs
}

// node is what was read of one handler.
type node struct {
	reader   *reader
	runtime  runtime
	programs []program
	// crio is nil where the node has none.
	crio *crio
}

// read follows a handler from the container runtime's files to Kata's, and to what they
// name.
func read(t *tree, handler string, running daemon) node {
	n := node{reader: &reader{tree: t, seen: map[string]bool{}}}
	for _, root := range rootsOf(running) {
		n.reader.containerd(root, handler, &n.runtime)
	}
	if n.crio = crioOf(t, running); n.crio != nil {
		n.reader.crio(n.crio, handler, &n.runtime)
	}
	if !n.runtime.isKata() {
		return n
	}
	paths := append(slices.Clone(n.runtime.configs), running.kataConfig)
	if len(n.runtime.configs) == 0 {
		paths = append(paths, usualKataConfigs...)
	}
	var all []statement
	for _, path := range paths {
		if filepath.IsAbs(path) {
			all = append(all, n.reader.kata(path)...)
		}
	}
	n.programs = programs(t, shimPaths(t, n.runtime, running.path), all)
	for _, folder := range releaseFolders(n.programs) {
		n.reader.release(filepath.Join(folder, "VERSION"), maxVersionBytes, strings.TrimSpace)
		n.reader.release(filepath.Join(folder, "versions.yaml"), maxVersionsBytes, onlyVersions)
	}
	return n
}

// kataDigests hashes the programs and images of the handler under certification.
func kataDigests(ctx *probes.Context) evidence.Observation {
	t, err := openTree(ctx.HostRoot)
	if err != nil {
		return probes.Unreadable(err)
	}
	defer t.close()
	handler := ctx.Params[probes.ParamHandler]
	n := read(t, handler, findDaemons(kernfs.Below(ctx.HostRoot, "/proc")))
	if !n.runtime.isKata() {
		return probes.Absent("handler %q is no shim of Kata's on this node", handler)
	}
	deadline := time.Now().Add(ctx.Scaled(digestsWithin))
	for i := range n.programs {
		digest(t, &n.programs[i], deadline)
	}
	return probes.Seen(evidence.Values{"programs": lines(n.programs)})
}
