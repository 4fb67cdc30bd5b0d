package katanode

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/katacert/katacert/probes/evidence"
)

// Part is a file that a handler runs or boots, with its version as far as the node
// tells it.
type Part struct {
	// Role is what Kata takes it for, as in Program.
	Role   string
	Path   string
	Bytes  int64
	SHA256 string
	// Version is empty where nothing tells it. From is what does: the path of the file
	// itself, or that of a file of Kata's archive that says what it holds.
	Version, From string
}

// Parts lists what the handler of an observation of kata-files runs and boots, by the
// digests of one of kata-digests. Files that could not be hashed are left out: the
// controls on Kata say why.
//
// What a file tells of itself goes before what the archive says of it, for a file can
// be replaced. Where neither tells, what Kata builds itself has Kata's version.
func Parts(files, digests evidence.Observation) ([]Part, error) {
	n, err := Read(files)
	if err != nil {
		return nil, err
	}
	programs, err := Programs(digests)
	if err != nil {
		return nil, err
	}
	r := n.release()
	var parts []Part
	for _, p := range programs {
		if !isDigest(p.SHA256) {
			continue
		}
		part := Part{Role: p.Role, Path: p.Path, Bytes: p.Bytes, SHA256: p.SHA256}
		version, from := p.Version, p.Path
		if version == "" {
			version, from = r.of(p)
		}
		if version != "" && len(version) <= maxVersion {
			part.Version, part.From = version, from
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func isDigest(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// maxVersion is longer than any version, in bytes: what is longer is none, and half of
// it would be another one.
const maxVersion = 96

// release is what an archive of Kata's says of itself.
type release struct {
	// folder is where it was unpacked, "/opt/kata".
	folder  string
	version string // of Kata
	file    string // that says so
	// listed are the versions of what others build, by program name and by role, and
	// list is the file that has them.
	listed map[string]string
	list   string
}

// release reads VERSION and versions.yaml, each where it is.
func (n *Node) release() (r release) {
	for _, f := range n.Files {
		if f.Problem != "" {
			continue
		}
		switch path.Base(f.Path) {
		case "VERSION":
			if version, file, err := n.Version(); err == nil {
				r.version, r.file, r.folder = version, file, path.Dir(file)
			}
		case "versions.yaml":
			if listed := versionsOf(f.Text); listed != nil && r.list == "" {
				r.listed, r.list = listed, f.Path
			}
		}
	}
	return r
}

// versionsOf takes from versions.yaml the versions of what Kata does not build from
// its own source; nil where it is no such file.
func versionsOf(text string) map[string]string {
	var v struct {
		Assets struct {
			Hypervisor map[string]any `json:"hypervisor"`
		} `json:"assets"`
		Externals map[string]any `json:"externals"`
	}
	if err := yaml.Unmarshal([]byte(text), &v); err != nil || len(v.Assets.Hypervisor) == 0 {
		return nil
	}
	version := func(entry any) string {
		project, _ := entry.(map[string]any) // descriptions stand beside the projects
		text, _ := project["version"].(string)
		return text
	}
	listed := map[string]string{"virtiofsd": version(v.Externals["virtiofsd"])}
	for name, entry := range v.Assets.Hypervisor {
		listed[strings.ReplaceAll(name, "_", "-")] = version(entry)
	}
	listed["jailer"] = listed["firecracker"] // one project builds both
	return listed
}

// of is what the archive says of a file that lies in its folder, and where.
func (r release) of(p Program) (version, from string) {
	at := p.Real
	if at == "" {
		at = p.Path
	}
	if r.folder == "" || !strings.HasPrefix(at, r.folder+"/") {
		return "", ""
	}
	switch p.Role {
	case "shim", "image", "initrd":
		return r.version, r.file
	case "hypervisor", "jailer", "virtiofsd":
		if version := r.listed[monitor(path.Base(at))]; version != "" {
			return version, r.list
		}
	}
	return "", ""
}

// monitor is the project by the name of its program: cloud-hypervisor and
// cloud-hypervisor-glibc are one, qemu-system-x86_64 is qemu. QEMU's builds for
// confidential guests are other sources.
func monitor(program string) string {
	base, rest, _ := strings.Cut(program, "-system-")
	if base == "qemu" {
		if _, flavour, ok := strings.Cut(rest, "-"); ok {
			return "qemu-" + flavour
		}
		return "qemu"
	}
	known := []string{"cloud-hypervisor", "firecracker", "jailer", "virtiofsd", "stratovirt"}
	if i := slices.IndexFunc(known, func(name string) bool { return program == name || strings.HasPrefix(program, name+"-") }); i >= 0 {
		return known[i]
	}
	return program
}
