package bundle

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/katanode"
)

// NodesSchema names the format of nodes.json.
const NodesSchema = "katacert.dev/nodes/v1"

// nodes is what ran on every node, by target: nodes.json.
type nodes struct {
	Schema  string `json:"schema"`
	Targets []ran  `json:"targets"`
}

// ran is what one target is made of, as far as the API server and the witness told.
type ran struct {
	Target       string          `json:"target"`
	RuntimeClass string          `json:"runtime_class"`
	Handler      string          `json:"handler"`
	Node         reports.Node    `json:"node"`
	Runtime      reports.Runtime `json:"runtime"`
	// Kata is the version of Kata Containers that the file VERSION beside the shim has.
	Kata string `json:"kata,omitempty"`
	// GPUDriver is the version of NVIDIA's driver on the node, GPUToolkit that of each
	// program of its container toolkit.
	GPUDriver  string   `json:"gpu_driver,omitempty"`
	GPUToolkit []string `json:"gpu_toolkit,omitempty"`
	// DriverFiles are the kernel module and the library of NVIDIA's driver.
	DriverFiles []program `json:"gpu_driver_files,omitempty"`
	// GuestKernel is the release that the subject's kernel says it is. It is the only
	// thing here that the sandbox under test says of itself.
	GuestKernel string `json:"guest_kernel,omitempty"`
	// Programs are the files that the handler runs and boots, hashed on the node, with
	// their versions where the node tells them.
	Programs []program `json:"programs,omitempty"`
}

// program is one file on a node.
type program struct {
	// Role is shim, hypervisor, jailer, virtiofsd, kernel, initrd, image or firmware, and
	// module or library of NVIDIA's driver.
	Role   string `json:"role"`
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Version is what From tells: the file itself, or a file of Kata's archive.
	Version string `json:"version,omitempty"`
	From    string `json:"version_from,omitempty"`
}

// whatRan reads from report and evidence what ran on the nodes.
func whatRan(r *reports.Report, j *journal) (nodes, error) {
	all := nodes{Schema: NodesSchema, Targets: []ran{}}
	for _, t := range r.Targets {
		records, err := j.of(t.ID)
		if err != nil {
			return all, err
		}
		one := ran{Target: t.ID, RuntimeClass: t.RuntimeClass, Handler: t.Handler, Node: t.Node, Runtime: t.Runtime}
		for _, record := range records {
			one.add(record)
		}
		all.Targets = append(all.Targets, one)
	}
	return all, nil
}

// add takes from a record what it tells of versions and files.
func (r *ran) add(record evidence.Record) {
	if record.Round != evidence.Look {
		return
	}
	switch record.Vantage {
	case evidence.Subject:
		if o, ok := record.Observation("uname"); ok {
			r.GuestKernel, _ = o.Values.Text("release")
		}
	case evidence.Witness:
		if files, ok := record.Observation("kata-files"); ok {
			r.Kata = kataVersion(files)
			if digests, ok := record.Observation("kata-digests"); ok {
				r.Programs = programs(files, digests)
			}
		}
		if o, ok := record.Observation("gpu-functions"); ok {
			r.GPUDriver, _ = o.Values.Text("driver_version")
		}
		if o, ok := record.Observation("gpu-files"); ok {
			r.GPUToolkit, _ = o.Values.List("programs")
			r.DriverFiles = driverFiles(o)
		}
	}
}

// kataVersion is the text of the file VERSION, empty where there is none.
func kataVersion(o evidence.Observation) string {
	node, err := katanode.Read(o)
	if err != nil {
		return "" // the controls on Kata say why
	}
	for _, f := range node.Files {
		if path.Base(f.Path) == "VERSION" && f.Problem == "" {
			return f.Text
		}
	}
	return ""
}

// programs are what the handler runs and boots, as far as it could be hashed.
func programs(files, digests evidence.Observation) []program {
	parts, err := katanode.Parts(files, digests)
	if err != nil {
		return nil // the controls on Kata say why
	}
	var found []program
	for _, p := range parts {
		found = append(found, program{Role: p.Role, Path: p.Path, Bytes: p.Bytes, SHA256: p.SHA256, Version: p.Version, From: p.From})
	}
	return found
}

// driverFiles are those of an observation of gpu-files, "role=… path=… bytes=… sha256=…".
func driverFiles(o evidence.Observation) []program {
	lines, _ := o.Values.List("driver")
	var found []program
	for _, line := range lines {
		var p program
		if _, err := fmt.Sscanf(line, "role=%s path=%s bytes=%d sha256=%s", &p.Role, &p.Path, &p.Bytes, &p.SHA256); err == nil && isDigest(p.SHA256) {
			found = append(found, p)
		}
	}
	return found
}

// artefact is one thing under test with its digest, and the targets that had it.
type artefact struct {
	name, sha256 string
	targets      []string
}

// artefacts lists what was under test by its digests: the shim that ran the subject,
// the files of its guest and of NVIDIA's driver, and the images of the nodes and of the
// device plugins where they are known. Two files of one name are told apart by a target
// that had them.
func (n nodes) artefacts(images []reports.Image) []artefact {
	var all []artefact
	add := func(name, sha256, target string) {
		if !isDigest(sha256) {
			return
		}
		i := slices.IndexFunc(all, func(a artefact) bool { return a.name == name && a.sha256 == sha256 })
		if i < 0 {
			all = append(all, artefact{name: name, sha256: sha256})
			i = len(all) - 1
		}
		if target != "" && !slices.Contains(all[i].targets, target) {
			all[i].targets = append(all[i].targets, target)
		}
	}
	for _, image := range images {
		if image.UnderTest() {
			add(strings.TrimRight(image.Name, " 0123456789")+" image "+image.Ref, imageDigest(image), "")
		}
	}
	for _, t := range n.Targets {
		shim := t.Runtime.Shim
		for _, p := range t.Programs {
			if p.Role == "shim" && p.SHA256 == t.Runtime.Digest {
				shim = "" // the same file, and here it has its path
			}
			add(reports.RoleName(p.Role)+" "+p.Path, p.SHA256, t.Target)
		}
		for _, p := range t.DriverFiles {
			add(reports.RoleName(p.Role)+" "+p.Path, p.SHA256, t.Target)
		}
		if shim != "" {
			add("shim "+shim, t.Runtime.Digest, t.Target)
		}
	}
	for i, a := range all {
		if slices.ContainsFunc(all[:i], func(b artefact) bool { return b.name == a.name }) && len(a.targets) > 0 {
			all[i].name = fmt.Sprintf("%s on %s", a.name, a.targets[0])
		}
	}
	return all
}
