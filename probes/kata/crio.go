package kata

import (
	"path/filepath"
	"strings"
)

// Where CRI-O's configuration lies unless its command line or its environment says
// otherwise (crio(8), --config and --config-dir).
const (
	usualCRIOConfig = "/etc/crio/crio.conf"
	usualCRIOFolder = "/etc/crio/crio.conf.d"
)

// crio is what the command line and the environment of the node's CRI-O say.
type crio struct {
	config, folder string
	// overridden says that they set runtimes, which go before those of the files.
	overridden bool
}

// findCRIO reads the command line and the environment of one CRI-O.
func findCRIO(dir string) *crio {
	c := &crio{config: usualCRIOConfig, folder: usualCRIOFolder}
	for _, variable := range words(filepath.Join(dir, "environ")) {
		switch name, value, _ := strings.Cut(variable, "="); name {
		case "CONTAINER_CONFIG":
			c.config = absolute(value, c.config)
		case "CONTAINER_CONFIG_DIR":
			c.folder = absolute(value, c.folder)
		case "CONTAINER_RUNTIMES":
			c.overridden = c.overridden || value != ""
		}
	}
	arguments := words(filepath.Join(dir, "cmdline"))
	if value, given := option(arguments, "config", "c"); given {
		c.config = absolute(value, c.config)
	}
	if value, given := option(arguments, "config-dir", "d"); given {
		c.folder = absolute(value, c.folder)
	}
	if _, given := option(arguments, "runtimes"); given {
		c.overridden = true
	}
	return c
}

// absolute is a path cleaned, or another where it is not absolute.
func absolute(path, otherwise string) string {
	if !filepath.IsAbs(path) {
		return otherwise
	}
	return filepath.Clean(path)
}

// crioOf is the node's CRI-O: the one that runs, or where no container runtime is seen
// to run, the one whose configuration lies at the usual place.
func crioOf(t *tree, running daemon) *crio {
	if running.crio != nil || len(running.configs) > 0 {
		return running.crio
	}
	if t.isFolder(usualCRIOFolder) {
		return &crio{config: usualCRIOConfig, folder: usualCRIOFolder}
	}
	if file, _, err := t.regular(usualCRIOConfig); err == nil {
		_ = file.Close()
		return &crio{config: usualCRIOConfig, folder: usualCRIOFolder}
	}
	return nil
}

// aboutRuntimes keeps of CRI-O's configuration what decides how a handler's containers
// run. The rest may hold credentials, and so may the environment of a handler's monitor.
func aboutRuntimes(path []string) bool {
	if len(path) < 3 || path[0] != "crio" || path[1] != "runtime" {
		return false
	}
	return path[2] == "default_runtime" || path[2] == "runtimes" && path[len(path)-1] != "monitor_env"
}

// maxDepth bounds how deep folders lie in one another below that of CRI-O's drop-ins.
const maxDepth = 4

// crio reads CRI-O's file and what is in its folder, and notes what they say of the
// handler.
func (r *reader) crio(c *crio, handler string, found *runtime) {
	paths := append([]string{c.config}, r.below(c.folder, maxDepth)...)
	for _, path := range paths {
		all, _, ok := r.load(path, aboutRuntimes)
		if !ok {
			continue
		}
		for _, s := range all {
			found.noteCRIO(s, handler)
		}
	}
}

// below lists the files of a folder and of the folders in it, of any ending: CRI-O
// reads them all.
func (r *reader) below(folder string, depth int) []string {
	names, err := r.tree.names(folder)
	if err != nil {
		r.problem(folder, err)
	}
	var paths []string
	for _, name := range names {
		path := filepath.Join(folder, name)
		switch {
		case !r.tree.isFolder(path):
			paths = append(paths, path)
		case depth == 1:
			r.cut = true
		default:
			paths = append(paths, r.below(path, depth-1)...)
		}
	}
	return paths
}

func (found *runtime) noteCRIO(s statement, handler string) {
	const key = 4 // crio, runtime, runtimes, handler
	if s.header || len(s.path) != key+1 || s.path[0] != "crio" || s.path[1] != "runtime" || s.path[2] != "runtimes" || s.path[3] != handler {
		return
	}
	switch s.path[key] {
	case "runtime_path":
		found.paths = append(found.paths, s.values...)
	case "runtime_config_path":
		for _, value := range s.values {
			if value != "" {
				found.configs = append(found.configs, value)
			}
		}
	}
}
