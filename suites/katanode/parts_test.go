package katanode_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/katanode"
)

// versionsYAML is laid out as Kata's own (versions.yaml, 4.1.0).
const versionsYAML = `description: |
  What is in it.
assets:
  description: "What is needed"
  hypervisor:
    description: "What creates machines"
    cloud_hypervisor:
      description: "A monitor"
      version: "v51.1"
    firecracker:
      version: "v1.12.1"
    qemu:
      version: "v11.0.1"
    qemu-snp-experimental:
      tag: "gpu-snp-20260430"
  kernel:
    version: "v6.18.35"
externals:
  description: "Of others"
  virtiofsd:
    meta:
      binary: "https://example.com/virtiofsd"
    version: "v1.14.0"
`

// observation holds objects of the witness as its probes write them.
func observation(t *testing.T, of map[string][]any) evidence.Observation {
	t.Helper()
	values := evidence.Values{"handler": evidence.Text("kata")}
	for name, items := range of {
		var texts []string
		for _, item := range items {
			text, err := json.Marshal(item)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
		values[name] = evidence.List(texts...)
	}
	return evidence.Observation{State: evidence.Seen, Values: values}
}

func TestParts(t *testing.T) {
	sum := strings.Repeat("5e", 32)
	version := katanode.File{Path: "/opt/kata/VERSION", Text: "4.1.0"}
	list := katanode.File{Path: "/opt/kata/versions.yaml", Text: versionsYAML}
	for what, c := range map[string]struct {
		files         []katanode.File
		p             katanode.Program
		version, from string
	}{
		"the file itself": {[]katanode.File{version, list}, katanode.Program{Role: "hypervisor", Path: "/opt/kata/bin/qemu-system-x86_64", Version: "7.2.22"}, "7.2.22", "/opt/kata/bin/qemu-system-x86_64"},
		"QEMU":            {[]katanode.File{version, list}, katanode.Program{Role: "hypervisor", Path: "/opt/kata/bin/qemu-system-x86_64"}, "v11.0.1", list.Path},
		"QEMU of another source": {[]katanode.File{version, list},
			katanode.Program{Role: "hypervisor", Path: "/opt/kata/bin/qemu-system-x86_64-snp-experimental"}, "", ""},
		"Cloud Hypervisor": {[]katanode.File{version, list}, katanode.Program{Role: "hypervisor", Path: "/opt/kata/bin/cloud-hypervisor-glibc"}, "v51.1", list.Path},
		"jailer":           {[]katanode.File{version, list}, katanode.Program{Role: "jailer", Path: "/opt/kata/bin/jailer"}, "v1.12.1", list.Path},
		"virtiofsd":        {[]katanode.File{version, list}, katanode.Program{Role: "virtiofsd", Path: "/opt/kata/libexec/virtiofsd"}, "v1.14.0", list.Path},
		"shim":             {[]katanode.File{version, list}, katanode.Program{Role: "shim", Path: "/usr/local/bin/shim", Real: "/opt/kata/bin/containerd-shim-kata-v2"}, "4.1.0", version.Path},
		"image":            {[]katanode.File{version, list}, katanode.Program{Role: "image", Path: "/opt/kata/share/kata-containers/kata-containers.img"}, "4.1.0", version.Path},
		// The archive lists several kernels, and which one lies there only the kernel tells.
		"kernel":               {[]katanode.File{version, list}, katanode.Program{Role: "kernel", Path: "/opt/kata/share/kata-containers/vmlinux.container"}, "", ""},
		"of a distribution":    {[]katanode.File{version, list}, katanode.Program{Role: "hypervisor", Path: "/usr/bin/qemu-system-x86_64"}, "", ""},
		"beside the folder":    {[]katanode.File{version, list}, katanode.Program{Role: "image", Path: "/opt/kata-other/kata-containers.img"}, "", ""},
		"no list":              {[]katanode.File{version}, katanode.Program{Role: "virtiofsd", Path: "/opt/kata/libexec/virtiofsd"}, "", ""},
		"no VERSION":           {[]katanode.File{list}, katanode.Program{Role: "shim", Path: "/opt/kata/bin/containerd-shim-kata-v2"}, "", ""},
		"VERSION is no":        {[]katanode.File{{Path: version.Path, Text: "latest"}, list}, katanode.Program{Role: "shim", Path: "/opt/kata/bin/containerd-shim-kata-v2"}, "", ""},
		"the list is no list":  {[]katanode.File{version, {Path: list.Path, Text: "- {"}}, katanode.Program{Role: "virtiofsd", Path: "/opt/kata/libexec/virtiofsd"}, "", ""},
		"the list is unread":   {[]katanode.File{version, {Path: list.Path, Problem: "too long"}}, katanode.Program{Role: "virtiofsd", Path: "/opt/kata/libexec/virtiofsd"}, "", ""},
		"longer than versions": {[]katanode.File{version, list}, katanode.Program{Role: "kernel", Path: "/k", Version: strings.Repeat("6", 500)}, "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			c.p.SHA256, c.p.Bytes = sum, 7
			var files []any
			for _, f := range c.files {
				files = append(files, f)
			}
			got, err := katanode.Parts(observation(t, map[string][]any{"files": files}), observation(t, map[string][]any{"programs": {c.p}}))
			want := []katanode.Part{{Role: c.p.Role, Path: c.p.Path, Bytes: 7, SHA256: sum, Version: c.version, From: c.from}}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %+v and %v, want %+v", got, err, want)
			}
		})
	}
	unhashed := observation(t, map[string][]any{"programs": {katanode.Program{Role: "shim", Path: "/x", Problem: "no such file"}}})
	if got, err := katanode.Parts(observation(t, map[string][]any{"files": {version}}), unhashed); err != nil || len(got) > 0 {
		t.Errorf("of a file that was not hashed: %+v and %v", got, err)
	}
	if _, err := katanode.Parts(evidence.Observation{}, unhashed); err == nil {
		t.Error("parts of a witness that lists no files")
	}
}
