package reports

import (
	"cmp"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
	"github.com/katacert/katacert/suites/katanode"
)

// Part is a file of Kata Containers on a node, as the witness found it.
type Part struct {
	// Role is shim, hypervisor, jailer, virtiofsd, kernel, image, initrd or firmware.
	Role string `json:"role"`
	Path string `json:"path"`
	// Version is empty where nothing on the node tells it. From is the path of what
	// does: the file itself, or a file of Kata's archive.
	Version string `json:"version,omitempty"`
	From    string `json:"version_from,omitempty"`
	SHA256  string `json:"sha256"`
}

// RoleName names a role for people.
func RoleName(role string) string { return cmp.Or(roleNames[role], role) }

var roleNames = map[string]string{
	"kernel": "guest kernel", "initrd": "guest initrd", "image": "guest image", "firmware": "guest firmware",
	"module": "NVIDIA driver module", "library": "NVIDIA driver library",
}

// Name names what the part is for people, "guest kernel".
func (p Part) Name() string { return RoleName(p.Role) }

// PartsOf lists what Kata is made of on the node by the evidence of its target; nothing
// where the runtime is another one, or the witness could not read it.
func PartsOf(from judge.Evidence) []Part {
	c := judge.Open(from)
	files, err1 := c.Observe(evidence.Witness, evidence.Look, "kata-files")
	digests, err2 := c.Observe(evidence.Witness, evidence.Look, "kata-digests")
	if err1 != nil || err2 != nil || files.State != evidence.Seen || digests.State != evidence.Seen {
		return nil
	}
	found, err := katanode.Parts(files, digests)
	if err != nil {
		return nil // the controls on Kata say why
	}
	var parts []Part
	for _, p := range found {
		parts = append(parts, Part{Role: p.Role, Path: p.Path, Version: p.Version, From: p.From, SHA256: p.SHA256})
	}
	return parts
}

// Versions says in one line which versions Kata's parts have: "shim 4.1.0, hypervisor
// 7.2.22". What does not tell its version is left out.
func (t Target) Versions() string {
	var said []string
	for _, p := range t.Parts {
		if text := p.Name() + " " + p.Version; p.Version != "" && !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return strings.Join(said, ", ")
}
