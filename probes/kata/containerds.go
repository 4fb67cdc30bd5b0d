package kata

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// usualConfigs are where the configurations of containerd lie: its own
// (containerd-config.toml(5)), and those that k3s and RKE2 write.
var usualConfigs = []string{
	"/etc/containerd/config.toml",
	"/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
	"/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
}

// usualPath is where programs are looked for when containerd's own PATH is not known.
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// daemon is what the command lines and environments of the node's container runtimes say.
type daemon struct {
	// configs are the files of --config; path is the PATH in which shims are looked
	// for, and kataConfig the variable KATA_CONF_FILE, which shims inherit.
	configs          []string
	path, kataConfig string
	// crio is that of a CRI-O; nil where none runs.
	crio *crio
}

// maxDaemons bounds how many processes of a program are looked at; a node has one.
const maxDaemons = 8

// findDaemons looks for containerd, and for CRI-O, among the processes of the node.
func findDaemons(procfs string) daemon {
	var found daemon
	for _, dir := range daemons(procfs, "containerd") {
		config := usualConfigs[0]
		if value, given := option(words(filepath.Join(dir, "cmdline")), "config", "c"); given && filepath.IsAbs(value) {
			config = filepath.Clean(value)
		}
		if !slices.Contains(found.configs, config) {
			found.configs = append(found.configs, config)
		}
		found.inherit(dir)
	}
	for _, dir := range daemons(procfs, "crio") {
		found.crio = findCRIO(dir)
		found.inherit(dir)
	}
	return found
}

// inherit notes what shims inherit of the environment of who starts them.
func (d *daemon) inherit(dir string) {
	for _, variable := range words(filepath.Join(dir, "environ")) {
		switch name, value, _ := strings.Cut(variable, "="); name {
		case "PATH":
			d.path = value
		case "KATA_CONF_FILE":
			d.kataConfig = value
		}
	}
}

// daemons are the folders in procfs of the node's processes of a program. What runs in
// a PID namespace below the node's is some container's own.
func daemons(procfs, program string) []string {
	var found []string
	links, _ := filepath.Glob(filepath.Join(procfs, "[0-9]*/exe"))
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || filepath.Base(strings.TrimSuffix(target, " (deleted)")) != program || len(found) == maxDaemons {
			continue
		}
		if dir := filepath.Dir(link); !contained(dir) {
			found = append(found, dir)
		}
	}
	return found
}

// option is the value of the last of a program's options by one of these names, with
// one or two hyphens.
func option(arguments []string, names ...string) (value string, given bool) {
	for i, argument := range arguments {
		name, joined, has := strings.Cut(argument, "=")
		trimmed := strings.TrimPrefix(strings.TrimPrefix(name, "-"), "-")
		if trimmed == name || !slices.Contains(names, trimmed) {
			continue
		}
		if value, given = joined, true; !has && i+1 < len(arguments) {
			value = arguments[i+1]
		}
	}
	return value, given
}

// words are the NUL-separated texts of a file of procfs.
func words(path string) []string {
	data, err := kernfs.Read(path)
	if err != nil {
		return nil // it ended meanwhile
	}
	return strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
}

// contained says whether a process runs in a PID namespace below that of its
// procfs (NSpid of proc_pid_status(5)).
func contained(dir string) bool {
	status, err := kernfs.Read(filepath.Join(dir, "status"))
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(status)) {
		if pids, ok := strings.CutPrefix(line, "NSpid:"); ok {
			for _, pid := range strings.Fields(pids) {
				if _, err := strconv.Atoi(pid); err != nil {
					return true
				}
			}
			return len(strings.Fields(pids)) > 1
		}
	}
	return false
}
