package gpunode

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/podresources"
)

// space is configuration space with these bytes by their offset.
func space(bytes int, parts map[int][]byte) []byte {
	config := make([]byte, bytes)
	for at, part := range parts {
		copy(config[at:], part)
	}
	return config
}

func TestParsePort(t *testing.T) {
	express := func(kind byte) []byte { return []byte{0x10, 0, kind<<4 | 2, 0} }
	for name, test := range map[string]struct {
		config []byte
		want   string
		err    bool
	}{
		"a downstream port": {space(4096, map[int][]byte{0x34: {0x40}, 0x40: express(6), 0x100: {0x0d, 0, 1, 0, 0x5f, 0, 0x1d, 0}}), "type=downstream acs_able=005f acs_on=001d", false},
		"the second of both lists": {space(4096, map[int][]byte{0x34: {0x40}, 0x40: {5, 0x50}, 0x50: express(4), 0x100: {1, 0, 1, 0x14}, 0x140: {0x0d, 0, 1, 0, 0x1f, 0, 0, 0}}),
			"type=root acs_able=001f acs_on=0000", false},
		"no services":                        {space(4096, map[int][]byte{0x34: {0x40}, 0x40: express(5)}), "type=upstream acs_able=none acs_on=none", false},
		"no PCI Express":                     {space(256, map[int][]byte{0x34: {0x40}, 0x40: {1, 0}}), "type=pci acs_able=none acs_on=none", false},
		"lists that never end":               {space(4096, map[int][]byte{0x34: {0x40}, 0x40: {0x10, 0x40, 0x62, 0}, 0x100: {1, 0, 0, 0x10}}), "type=downstream acs_able=none acs_on=none", false},
		"what everybody may read":            {space(64, nil), "", true},
		"without its extended part":          {space(256, map[int][]byte{0x34: {0x40}, 0x40: express(6)}), "", true},
		"a link into the middle of the head": {space(4096, map[int][]byte{0x34: {0x04}}), "type=pci acs_able=none acs_on=none", false},
	} {
		got, err := parsePort(test.config)
		if (err != nil) != test.err || err == nil && got.String() != test.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, test.want)
		}
	}
}

func write(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLook(t *testing.T) {
	root := t.TempDir()
	write(t, root, "proc/driver/nvidia/gpus/0000:17:00.0/information", "Model: \t\t NVIDIA\nGPU UUID: \t GPU-1\nDevice Minor: \t 0\n")
	write(t, root, "run/katacert/simulated-gpus/GPU-2", "GPU-2\n")
	write(t, root, "run/katacert/simulated-gpus/GPU-3", "something else\n")
	write(t, root, "dev/nvidia0", "no device node")
	values := look(root, []string{"NVIDIA_VISIBLE_DEVICES=GPU-2, all", "HOME=/"})
	for reading, want := range map[string][]string{
		"driver_gpus": {"bus=0000:17:00.0 minor=0 uuid=GPU-1"}, "simulated": {"GPU-2"}, "uuids": {"GPU-2"}, "devices": {}, "visible": {"GPU-2", "all"}, "functions": {},
	} {
		if got, _ := values.List(reading); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", reading, got, want)
		}
	}
}

func TestWhoseNodeIsWhoseGPU(t *testing.T) {
	driver := []string{"bus=0000:17:00.0 minor=0 uuid=GPU-1", "bus=0000:3d:00.0 minor=10 uuid=GPU-2"}
	for _, test := range []struct {
		n    node
		want string
	}{
		{node{path: "/dev/nvidia0", major: 195}, "GPU-1"},
		{node{path: "/dev/nvidia10", major: 195, minor: 10}, "GPU-2"},
		{node{path: "/dev/nvidia1", major: 195, minor: 1}, "minor-1"},
		{node{path: "/dev/nvidia0", refused: "EPERM"}, ""},
		{node{path: "/dev/nvidiactl", minor: 255}, ""},
	} {
		if got := test.n.uuid(driver); got != test.want {
			t.Errorf("%s: %q, want %q", test.n, got, test.want)
		}
	}
}

func TestAllocated(t *testing.T) {
	given := []podresources.Given{{Namespace: "ours", Pod: "p", Container: "probe", Resource: "nvidia.com/gpu", ID: "GPU-1"},
		{Namespace: "theirs", Pod: "secret-name", Container: "c", Resource: "nvidia.com/gpu", ID: "GPU-2"}, {Namespace: "ours", Pod: "p", Container: "probe", Resource: "other/thing", ID: "x"}}
	got, _ := allocated(given, "nvidia.com/gpu", []string{"ours"}).List("allocated")
	want := []string{"pod=other/1 container=other resource=nvidia.com/gpu id=GPU-2", "pod=ours/p container=probe resource=nvidia.com/gpu id=GPU-1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadFiles(t *testing.T) {
	root := t.TempDir()
	write(t, root, "etc/nvidia-container-runtime/config.toml", "#disable-cuda-compat-lib-hook = false\n[features]\ndisable-cuda-compat-lib-hook = true # for now\n[nvidia-container-runtime]\nmode = \"cdi\"\ndebug = \"/var/log/x\"\n")
	write(t, root, "usr/share/containers/oci/hooks.d/oci-nvidia-hook.json", "{}")
	write(t, root, "run/cdi/broken.json", "{")
	write(t, root, "run/cdi/nvidia.json", `{"kind":"nvidia.com/gpu","devices":[{"name":"0","containerEdits":{"deviceNodes":[{"path":"/dev/nvidia0"},{"path":"/dev/nvidiactl"}]}}]}`)
	write(t, root, "etc/cdi/nvidia.yaml", "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: \"0\"\n  containerEdits:\n    deviceNodes:\n    - path: /dev/nvidia0\n- name: all\n")
	if err := os.MkdirAll(filepath.Join(root, "var"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/run", filepath.Join(root, "var/run")); err != nil {
		t.Fatal(err)
	}
	o := ReadFiles(root)
	for reading, want := range map[string][]string{
		"settings": {"file=/etc/nvidia-container-runtime/config.toml", "file=/etc/nvidia-container-runtime/config.toml disable-cuda-compat-lib-hook=true",
			"file=/etc/nvidia-container-runtime/config.toml mode=cdi"},
		"hooks":    {"/usr/share/containers/oci/hooks.d/oci-nvidia-hook.json"},
		"programs": {}, "packages": {},
		"unread": {"/var/run/cdi/broken.json: no CDI specification in JSON"},
		"cdi": {"file=/etc/cdi/nvidia.yaml kind=nvidia.com/gpu name=0 nodes=/dev/nvidia0", "file=/etc/cdi/nvidia.yaml kind=nvidia.com/gpu name=all nodes=",
			"file=/var/run/cdi/nvidia.json kind=nvidia.com/gpu name=0 nodes=/dev/nvidia0,/dev/nvidiactl"},
	} {
		if got, _ := o.Values.List(reading); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", reading, got, want)
		}
	}
	if o := ReadFiles(filepath.Join(root, "none")); o.State != evidence.Absent {
		t.Errorf("no root: %+v", o)
	}
}

// This machine is read, whatever it has.
func TestReadThisMachine(t *testing.T) {
	o := ReadFunctions("/")
	if o.State != evidence.Seen {
		t.Fatal(o.Detail)
	}
	if lines, ok := o.Values.List("functions"); !ok || slices.ContainsFunc(lines, func(line string) bool { return !strings.Contains(line, "id=10de:") }) {
		t.Errorf("functions %q", lines)
	}
	if o := seen(nil); o.State != evidence.Seen {
		t.Error(o.Detail)
	}
}
