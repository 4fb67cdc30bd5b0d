package kata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// layOut writes files below a new folder; text that begins with "-> " is a link.
func layOut(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		at := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, isLink := strings.CutPrefix(text, "-> "); isLink {
			if err := os.Symlink(target, at); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func lookAt(t *testing.T, root, handler string) evidence.Observation {
	t.Helper()
	return kataFiles(&probes.Context{HostRoot: root, Params: map[string]string{probes.ParamHandler: handler}})
}

// readBack are the files and programs of an observation, by path.
func readBack(t *testing.T, o evidence.Observation) (files map[string]file, programs map[string]program) {
	t.Helper()
	files, programs = map[string]file{}, map[string]program{}
	lines, _ := o.Values.List("files")
	for _, line := range lines {
		var f file
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		files[f.Path] = f
	}
	lines, _ = o.Values.List("programs")
	for _, line := range lines {
		var p program
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		programs[p.Role] = p
	}
	return files, programs
}

const handlerTable = "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata]\n"

// Links lead to where they lead on the node, never to the machine that looks.
func TestLinksStayOnTheNode(t *testing.T) {
	root := layOut(t, map[string]string{
		"etc/containerd/config.toml": handlerTable + "runtime_type = 'io.containerd.kata.v2'\noptions = {ConfigPath = '/etc/kata/c.toml'}\n",
		"etc/kata/c.toml":            "-> /opt/kata/conf/real.toml",
		"opt/kata/conf/real.toml":    "[hypervisor.qemu]\npath = '/up'\nkernel = '/etc/kata/../../kernel'\n",
		"opt/kata/conf/config.d/a":   "[hypervisor.qemu]\nimage = '/etc/hostname'\n",
		"up":                         "-> ../../../../../../../../bin/sh",
		"kernel":                     "k",
	})
	files, programs := readBack(t, lookAt(t, root, "kata"))
	if f := files["/etc/kata/c.toml"]; f.Real != "/opt/kata/conf/real.toml" || f.Problem != "" {
		t.Errorf("the configuration is %+v", f)
	}
	if f := files["/opt/kata/conf/config.d/a"]; !strings.Contains(f.Text, "/etc/hostname") {
		t.Errorf("the drop-in beside the real file is %+v", f)
	}
	for _, role := range []string{"hypervisor", "image"} {
		if p := programs[role]; p.Problem == "" || p.Real != "" {
			t.Errorf("%s was found outside of the node: %+v", role, p)
		}
	}
	if p := programs["kernel"]; p.Real != "/kernel" || p.Bytes != 1 || p.Mode != "0644" {
		t.Errorf("the kernel is %+v", p)
	}
}

// A pipe, a folder or a huge file in place of a configuration is a problem, and not
// waited for.
func TestWhatIsNoConfiguration(t *testing.T) {
	root := layOut(t, map[string]string{
		"etc/containerd/config.toml": "imports = ['pipe.toml', 'folder.toml', 'huge.toml', 'broken.toml', '*/x*']\n",
		"etc/containerd/huge.toml":   strings.Repeat("#", maxFileBytes+1), "etc/containerd/broken.toml": "[", "etc/containerd/folder.toml/x": "",
	})
	if err := syscall.Mkfifo(filepath.Join(root, "etc/containerd/pipe.toml"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, _ := readBack(t, lookAt(t, root, "kata"))
	for path, says := range map[string]string{"pipe.toml": "no regular file", "folder.toml": "no regular file", "huge.toml": "longer than",
		"broken.toml": "line 1", "*/x*": "wildcards in the name of a folder"} {
		if f := files["/etc/containerd/"+path]; !strings.Contains(f.Problem, says) || f.Absent || f.Text != "" {
			t.Errorf("%s: %+v, want %q", path, f, says)
		}
	}
	if f := files["/var/lib/rancher/k3s/agent/etc/containerd/config.toml"]; !f.Absent {
		t.Errorf("a file that is not there: %+v", f)
	}
}

func TestBounds(t *testing.T) {
	many := map[string]string{"etc/containerd/config.toml": "imports = ['conf.d/*.toml']\n"}
	for i := range maxFiles + 10 {
		many[fmt.Sprintf("etc/containerd/conf.d/%03d.toml", i)] = "version = 3\n"
	}
	if cut, _ := lookAt(t, layOut(t, many), "kata").Values.Number("truncated"); cut != 1 {
		t.Error("more files than the probe reads are not told")
	}
	long := map[string]string{"etc/containerd/config.toml": handlerTable + "a = '" + strings.Repeat("x", maxTextBytes) + "'\n"}
	o := lookAt(t, layOut(t, long), "kata")
	if cut, _ := o.Values.Number("truncated"); cut != 1 {
		t.Error("more text than the probe sends is not told")
	}
	var out bytes.Buffer
	o.Probe = "kata-files"
	if err := evidence.Write(&out, evidence.Claim{}, []evidence.Observation{o}, 0); err != nil || out.Len() > evidence.DefaultLimits().LineBytes {
		t.Errorf("%d bytes are sent: %v", out.Len(), err)
	}
}

// A handler of another runtime gives no program, and nothing to hash.
func TestAnotherRuntime(t *testing.T) {
	root := layOut(t, map[string]string{"etc/containerd/config.toml": strings.ReplaceAll(handlerTable, "kata", "runsc") + "runtime_type = 'io.containerd.runsc.v1'\n"})
	if o := lookAt(t, root, "runsc"); o.Values["programs"].String() != "" {
		t.Errorf("programs of another runtime: %s", o.Values["programs"])
	}
	o := kataDigests(&probes.Context{HostRoot: root, Params: map[string]string{probes.ParamHandler: "runsc"}})
	if o.State != evidence.Absent {
		t.Errorf("digests are %s", o.State)
	}
}

func TestDaemons(t *testing.T) {
	root := layOut(t, map[string]string{
		"proc/7/exe": "-> /usr/bin/containerd (deleted)", "proc/7/cmdline": "containerd\x00--config=/a/../b.toml\x00", "proc/7/status": "Name:\tx\nNSpid:\t7\n",
		"proc/7/environ": "PATH=/x:/y\x00KATA_CONF_FILE=/k.toml\x00",
		"proc/8/exe":     "-> /usr/bin/containerd", "proc/8/cmdline": "containerd\x00", "proc/8/status": "NSpid:\t8\n",
		"proc/9/exe": "-> /usr/bin/containerd", "proc/9/cmdline": "containerd\x00-c\x00/evil.toml\x00", "proc/9/status": "NSpid:\t9\t1\n",
		"proc/10/exe": "-> /usr/bin/dockerd", "proc/10/cmdline": "dockerd\x00--config\x00/d.toml\x00", "proc/10/status": "NSpid:\t10\n",
	})
	got := findDaemons(filepath.Join(root, "proc"))
	slices.Sort(got.configs)
	if !slices.Equal(got.configs, []string{"/b.toml", "/etc/containerd/config.toml"}) || got.path != "/x:/y" || got.kataConfig != "/k.toml" {
		t.Errorf("found %+v", got)
	}
}

// The mark of Go's programs is found wherever it lies, also across two reads.
func TestMadeByGo(t *testing.T) {
	const piece = 1 << 20
	for _, at := range []int{0, 5, piece - 3, piece, piece + len(goMark) - 1, 2*piece + len(goMark) - 7} {
		data := append(make([]byte, at), goMark...)
		if found, err := madeByGo(bytes.NewReader(append(data, make([]byte, 100)...))); !found || err != nil {
			t.Errorf("the mark at %d is not found: %v", at, err)
		}
	}
	for _, size := range []int{0, 3, piece, 3 * piece} {
		if found, err := madeByGo(bytes.NewReader(make([]byte, size))); found || err != nil {
			t.Errorf("%d zeros are a program of Go's: %v", size, err)
		}
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = self.Close() }()
	if found, err := madeByGo(self); !found || err != nil {
		t.Errorf("this test is no program of Go's: %v", err)
	}
}

// A digest that cannot be had in time is a problem, and not half a digest.
func TestDigestsInTime(t *testing.T) {
	root := layOut(t, map[string]string{"image": strings.Repeat("x", 9<<20)})
	node, err := openTree(root)
	if err != nil {
		t.Fatal(err)
	}
	defer node.close()
	p := look(node, "image", "/image")
	digest(node, &p, time.Now().Add(-time.Second))
	if p.SHA256 != "" || !strings.Contains(p.Problem, "within its time") {
		t.Errorf("out of time: %+v", p)
	}
	p = look(node, "image", "/image")
	if digest(node, &p, time.Now().Add(time.Hour)); len(p.SHA256) != 64 || p.Problem != "" {
		t.Errorf("in time: %+v", p)
	}
}

const versionsYAML = `# what is in it
---
description: |
  assets:
    version: "none"

assets:
  description: "What is needed"

  hypervisor:
    qemu: # the first
      description: >-
        A monitor
        version: "0"
      url: "https://example.com/qemu"
      version: "v11.0.1"  # a comment
      notes:
        - version: "1"
    firecracker:
      version: v1.12.1
`

func TestOnlyVersionsAreKept(t *testing.T) {
	const want = "assets:\n  hypervisor:\n    qemu:\n      version: \"v11.0.1\"\n      notes:\n    firecracker:\n      version: v1.12.1\n"
	if got := onlyVersions(versionsYAML); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What an archive says of itself lies beside it, whatever link the shim is found by.
func TestWhatAnArchiveSaysOfItself(t *testing.T) {
	node := map[string]string{
		"etc/containerd/config.toml": handlerTable + "runtime_type = 'io.containerd.kata.v2'\nruntime_path = '/usr/local/bin/shim'\noptions = {ConfigPath = '/k.toml'}\n",
		"k.toml":                     "[hypervisor.qemu]\npath = '/opt/kata/bin/qemu-system-x86_64'\nkernel = '/opt/kata/vmlinuz'\n",
		"usr/local/bin/shim":         "-> /opt/kata/runtime-rs/bin/containerd-shim-kata-v2",
		"opt/kata/runtime-rs/bin/containerd-shim-kata-v2": "", "opt/kata/VERSION": "4.1.0\n",
		"opt/kata/versions.yaml":          versionsYAML,
		"opt/kata/bin/qemu-system-x86_64": "\x7fELF QEMU emulator version 11.0.1 (kata-static)\n", "opt/kata/vmlinuz": compressed(0x3000, "6.18.35 (x)"),
	}
	root := layOut(t, node)
	files, _ := readBack(t, lookAt(t, root, "kata"))
	if f := files["/opt/kata/VERSION"]; f.Text != "4.1.0" || f.Problem != "" {
		t.Errorf("VERSION is %+v", f)
	}
	if f := files["/opt/kata/versions.yaml"]; f.Text != onlyVersions(versionsYAML) || f.Problem != "" {
		t.Errorf("versions.yaml is %+v", f)
	}
	_, programs := readBack(t, kataDigests(&probes.Context{HostRoot: root, Params: map[string]string{probes.ParamHandler: "kata"}}))
	for role, want := range map[string]string{"hypervisor": "11.0.1", "kernel": "6.18.35", "shim": ""} {
		if p := programs[role]; p.Version != want || len(p.SHA256) != 64 {
			t.Errorf("%s tells version %q, want %q: %+v", role, p.Version, want, p)
		}
	}
	node["opt/kata/VERSION"], node["opt/kata/versions.yaml"] = strings.Repeat("4", maxVersionBytes+1), "a:\n  version: "+strings.Repeat("1", maxVersionsBytes)
	files, _ = readBack(t, lookAt(t, layOut(t, node), "kata"))
	for _, path := range []string{"/opt/kata/VERSION", "/opt/kata/versions.yaml"} {
		if f := files[path]; f.Text != "" || !strings.Contains(f.Problem, "longer than") {
			t.Errorf("%s with too much text: %.200v", path, f)
		}
	}
}
