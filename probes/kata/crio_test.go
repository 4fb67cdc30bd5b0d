package kata

import (
	"strings"
	"testing"
)

const shimOfKata = "\nruntime_path = '/usr/bin/containerd-shim-kata-v2'\nruntime_type = 'vm'\n"

// CRI-O's file and all of its folder are read, and of them what decides how a handler
// runs and nothing else.
func TestCRIOFiles(t *testing.T) {
	root := layOut(t, map[string]string{
		"etc/crio/crio.conf":                 "[crio]\nroot = '/secret-1'\n[crio.runtime]\ndefault_runtime = 'crun'\nconmon_env = ['secret-2']\n[crio.image]\nglobal_auth_file = 'secret-3'\n",
		"etc/crio/crio.conf.d/50-kata":       "[crio.runtime.runtimes.kata]" + shimOfKata + "runtime_config_path = '/k.toml'\nmonitor_env = ['secret-4']\n",
		"etc/crio/crio.conf.d/sub/folder/99": "[crio.runtime.runtimes.crun]\nruntime_path = '/usr/bin/crun'\n",
		"k.toml":                             "[hypervisor.qemu]\npath = '/qemu'\n",
		"usr/bin/containerd-shim-kata-v2":    "shim",
		"qemu":                               "q",
	})
	o := lookAt(t, root, "kata")
	files, programs := readBack(t, o)
	for _, path := range []string{"/etc/crio/crio.conf", "/etc/crio/crio.conf.d/50-kata", "/etc/crio/crio.conf.d/sub/folder/99", "/k.toml"} {
		if files[path].Text == "" || files[path].Problem != "" {
			t.Errorf("%s: %+v", path, files[path])
		}
		if strings.Contains(files[path].Text, "secret") {
			t.Errorf("%s tells a secret: %s", path, files[path].Text)
		}
	}
	if programs["shim"].Path != "/usr/bin/containerd-shim-kata-v2" || programs["hypervisor"].Path != "/qemu" {
		t.Errorf("programs %+v", programs)
	}
	if config, _ := o.Values.Text("crio_config"); config != "/etc/crio/crio.conf" {
		t.Errorf("observation %+v", o.Values)
	}
}

// What the command line and the environment of a running CRI-O say.
func TestFindCRIO(t *testing.T) {
	for name, test := range map[string]struct {
		cmdline, environ string
		want             crio
	}{
		"nothing":         {"/usr/bin/crio\x00", "", crio{config: usualCRIOConfig, folder: usualCRIOFolder}},
		"options":         {"/usr/bin/crio\x00--config\x00/c\x00-d=/d/\x00", "", crio{config: "/c", folder: "/d"}},
		"the environment": {"crio\x00", "PATH=/bin\x00CONTAINER_CONFIG=/c\x00CONTAINER_CONFIG_DIR=/d\x00", crio{config: "/c", folder: "/d"}},
		"both":            {"crio\x00-c\x00/option\x00", "CONTAINER_CONFIG=/c\x00", crio{config: "/option", folder: usualCRIOFolder}},
		"runtimes":        {"crio\x00--runtimes\x00kata:/x\x00", "", crio{config: usualCRIOConfig, folder: usualCRIOFolder, overridden: true}},
	} {
		root := layOut(t, map[string]string{"proc/7/exe": "-> /usr/bin/crio", "proc/7/cmdline": test.cmdline, "proc/7/environ": test.environ + "KATA_CONF_FILE=/v\x00", "proc/7/status": "NSpid:\t7\n"})
		found := findDaemons(root + "/proc")
		if found.crio == nil || *found.crio != test.want || found.kataConfig != "/v" || len(found.configs) > 0 {
			t.Errorf("%s: %+v, %+v", name, found, found.crio)
		}
	}
	root := layOut(t, map[string]string{"proc/7/exe": "-> /usr/bin/crio", "proc/7/status": "NSpid:\t7\t1\n"})
	if found := findDaemons(root + "/proc"); found.crio != nil {
		t.Errorf("a container's process is taken for the node's: %+v", found.crio)
	}
}

// What lies of CRI-O on a node whose containerd runs is nobody's.
func TestCRIOThatDoesNotRun(t *testing.T) {
	root := layOut(t, map[string]string{
		"proc/7/exe": "-> /usr/bin/containerd", "proc/7/cmdline": "containerd\x00", "proc/7/environ": "", "proc/7/status": "NSpid:\t7\n",
		"etc/containerd/config.toml": "", "etc/crio/crio.conf.d/50-kata": "[crio.runtime.runtimes.kata]" + shimOfKata,
	})
	o := lookAt(t, root, "kata")
	files, _ := readBack(t, o)
	if _, has := o.Values.Text("crio_config"); has || len(files) != 1 {
		t.Errorf("read %v", files)
	}
}

// Folders in one another without end are not followed without end.
func TestDeepFolderOfCRIO(t *testing.T) {
	root := layOut(t, map[string]string{"etc/crio/crio.conf.d/" + strings.Repeat("d/", maxDepth) + "x": "[crio]\n"})
	o := lookAt(t, root, "kata")
	if cut, _ := o.Values.Number("truncated"); cut != 1 {
		t.Errorf("%+v", o.Values)
	}
}
